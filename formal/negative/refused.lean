-- expect: refused.lean:16:53: error: Tactic `decide` proved that the proposition
-- expect: refused.lean:19:8: error: declaration uses `sorry`
-- expect: refused.lean:22:26: error: unused variable `b`
-- expect: refused.lean:19: the word sorry
module

public import Omega.Spec.Key

/-! What Lean itself must refuse, each fault in its own line. -/

@[expose] public noncomputable section

namespace Omega

/-- A false theorem. -/
theorem keys_have_one_byte : 256 ^ 1 = 2 ^ 224 := by decide

/-- An unfinished proof. -/
theorem unfinished (a b : Nat) : a = b := sorry

/-- A warning. -/
theorem warned (a : Nat) (b : Nat) : a = a := rfl

end Omega
