module

public import Omega.Spec.Key

/-!
# Events

Clauses EVT-*: what a frame's body holds, `key[28] | value i32 | dep_count u16 | deps | payload_len
u32 | payload`. The bytes are the codec's (`Omega.Spec.Codec`); here is the thing itself.
-/

@[expose] public noncomputable section

namespace Omega

/-- An event: its key, its value in thousandths, the keys that it depends on, its payload. -/
structure Event where
  key : Key
  value : Int
  deps : List Key
  payload : Bytes
  deriving DecidableEq

end Omega
