module

public import Omega.Spec.Bytes

/-!
# The ordering key

Clause KEY-1 of the specification. A key is 28 bytes, `lamport u64 | node u32 | stream u16 |
event u112`, and as a number `K = lamport * 2^160 + node * 2^128 + stream * 2^112 + event`. The
canonical order of events is the order of K.
-/

@[expose] public noncomputable section

namespace Omega

/-- An ordering key: Lamport time, node, stream within the node, event within the stream. -/
structure Key where
  lamport : Fin (2 ^ 64)
  node : Fin (2 ^ 32)
  stream : Fin (2 ^ 16)
  event : Fin (2 ^ 112)
  deriving DecidableEq

namespace Key

/-- K, the key as one number. -/
def toNat (k : Key) : Nat :=
  k.lamport.val * 2 ^ 160 + k.node.val * 2 ^ 128 + k.stream.val * 2 ^ 112 + k.event.val

/-- The 28 bytes of a key. -/
def encode (k : Key) : Bytes := toBytes 28 k.toNat

instance : LT Key := ⟨fun a b => a.toNat < b.toNat⟩
instance : LE Key := ⟨fun a b => a.toNat ≤ b.toNat⟩
instance (a b : Key) : Decidable (a < b) := inferInstanceAs (Decidable (a.toNat < b.toNat))
instance (a b : Key) : Decidable (a ≤ b) := inferInstanceAs (Decidable (a.toNat ≤ b.toNat))

end Key

namespace Claim

/-- K tells keys apart: no two keys have one K. -/
def packing_is_injective : Prop :=
  ∀ (a b : Key), a.toNat = b.toNat → a = b

/-- K has 224 bits. -/
def packing_is_below_two_to_the_224 : Prop :=
  ∀ (k : Key), k.toNat < 2 ^ 224

end Claim

end Omega
