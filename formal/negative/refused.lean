-- expect: refused.lean:19:47: error: Tactic `decide` proved that the proposition
-- expect: refused.lean:22:8: error: declaration uses `sorry`
-- expect: refused.lean:25:28: error: unused variable `b`
-- expect: refused.lean:28:
-- expect: refused.lean:28: the word native_decide
-- expect: refused.lean:22: the word sorry
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

/-- A proof by running compiled code. -/
theorem compiled : 12345 * 54321 = 670592745 := by native_decide

end Omega
