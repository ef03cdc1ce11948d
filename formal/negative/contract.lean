-- expect: audit: finding Omega.Claim.unproved: has no proof
-- expect: audit: finding Omega.Claim.unwitnessed: has no witness
-- expect: audit: finding Omega.Proof.other_proof: does not state Omega.Claim.other_proof
-- expect: audit: finding Omega.Witness.fewer_hypotheses: does not state that the hypotheses of Omega.Claim.fewer_hypotheses can hold: at binder 3, _h
-- expect: audit: finding Omega.Witness.weaker_hypothesis: does not state that the hypotheses of Omega.Claim.weaker_hypothesis can hold: at binder 2, h
-- expect: audit: finding Omega.Witness.more_is_said: does not state that the hypotheses of Omega.Claim.more_is_said can hold: after the claim's 1 binders
-- expect: audit: finding Omega.Claim.with_a_parameter: is no closed proposition
-- expect: audit: finding Omega.Proof.unclaimed: has no claim
-- expect: audit: finding Omega.Witness.unclaimed: has no claim
-- expect: contract.lean:19: the word warningAsError
-- expect: audit: finding Omega.Lemma.from_sorry: uses the axiom sorryAx
module

public import Omega.Spec.Key
public meta import Lean

/-! Claims whose proofs or witnesses are not what they should be. -/

set_option warningAsError false

@[expose] public noncomputable section

namespace Omega

def Claim.unproved : Prop := ∀ (a : Nat), a = a
theorem Witness.unproved : ∃ (_ : Nat), True := ⟨1, trivial⟩

def Claim.unwitnessed : Prop := ∀ (a : Nat), a = a
theorem Proof.unwitnessed : Claim.unwitnessed := fun _ => rfl

def Claim.other_proof : Prop := ∀ (a b : Nat), a = b
theorem Proof.other_proof : ∀ (a : Nat), a = a := fun _ => rfl
theorem Witness.other_proof : ∃ (_ _ : Nat), True := ⟨1, 2, trivial⟩

def Claim.fewer_hypotheses : Prop := ∀ (a b : Nat) (_h : a < b), ∀ (h : b < a), a = b
theorem Proof.fewer_hypotheses : Claim.fewer_hypotheses := fun _ _ h g => absurd h (Nat.lt_asymm g)
theorem Witness.fewer_hypotheses : ∃ (_ _ : Nat), True := ⟨1, 2, trivial⟩

def Claim.weaker_hypothesis : Prop := ∀ (a : Nat) (h : a < 0), a = 7
theorem Proof.weaker_hypothesis : Claim.weaker_hypothesis := fun a h => absurd h (Nat.not_lt_zero a)
theorem Witness.weaker_hypothesis : ∃ (a : Nat), ∃ (_ : a < 1), True := ⟨0, Nat.one_pos, trivial⟩

def Claim.more_is_said : Prop := ∀ (a : Nat), a = a
theorem Proof.more_is_said : Claim.more_is_said := fun _ => rfl
theorem Witness.more_is_said : ∃ (a : Nat), a = 1 := ⟨1, rfl⟩

def Claim.with_a_parameter (a : Nat) : Prop := a = a
theorem Proof.with_a_parameter : ∀ a, Claim.with_a_parameter a := fun _ => rfl
theorem Witness.with_a_parameter : True := trivial

theorem Proof.unclaimed : 1 = 1 := rfl
theorem Witness.unclaimed : True := trivial

def Claim.from_sorry : Prop := ∀ (a b : Nat), a = b
theorem Lemma.from_sorry (a b : Nat) : a = b := sorry
theorem Proof.from_sorry : Claim.from_sorry := Lemma.from_sorry
theorem Witness.from_sorry : ∃ (_ _ : Nat), True := ⟨1, 2, trivial⟩

end Omega

run_cmd Omega.Audit.check [
  `Omega.Claim.unproved, `Omega.Claim.unwitnessed, `Omega.Claim.other_proof, `Omega.Claim.fewer_hypotheses,
    `Omega.Claim.weaker_hypothesis, `Omega.Claim.more_is_said, `Omega.Claim.with_a_parameter,
    `Omega.Proof.unclaimed, `Omega.Witness.unclaimed, `Omega.Claim.from_sorry, `Omega.Proof.from_sorry]
