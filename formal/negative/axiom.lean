-- expect: axiom.lean:24: the word axiom
-- expect: audit: finding Omega.anything_goes: is an axiom of this package
-- expect: audit: finding Omega.choose: is opaque
-- expect: axiom.lean:26: the word opaque
-- expect: Omega.compiled._proof_1_1: uses the axiom Lean.ofReduceBool
-- expect: axiom.lean:29: the word native_decide
-- expect: audit: finding Omega.Witness.a_key_below_itself_is_every_other: uses the axiom Omega.anything_goes
module

public import Omega.Spec.Key
public meta import Lean

/-! A false claim that is proved, and a hypothesis that cannot hold but is witnessed, both from an
axiom of our own. -/

@[expose] public noncomputable section

namespace Omega

/-- Every key below itself is every other. -/
def Claim.a_key_below_itself_is_every_other : Prop :=
  ∀ (a b : Key), a < a → a = b

axiom anything_goes (p : Prop) : p

opaque choose : Nat

/-- A proof by running compiled code. -/
theorem compiled : 12345 * 54321 = 670592745 := by native_decide

theorem Proof.a_key_below_itself_is_every_other : Claim.a_key_below_itself_is_every_other :=
  anything_goes _

theorem Witness.a_key_below_itself_is_every_other : ∃ (a _ : Key), ∃ (_ : a < a), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 5⟩, anything_goes _, trivial⟩

end Omega

run_cmd Omega.Audit.check [
  `Omega.choose, `Omega.compiled, `Omega.Claim.a_key_below_itself_is_every_other,
    `Omega.Proof.a_key_below_itself_is_every_other,
    `Omega.Witness.a_key_below_itself_is_every_other]
