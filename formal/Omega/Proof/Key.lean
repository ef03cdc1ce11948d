module

public import Omega.Spec.Key

/-! Proofs about the ordering key. -/

@[expose] public noncomputable section

namespace Omega

theorem Proof.packing_is_injective : Claim.packing_is_injective := by
  intro a b h
  cases a; cases b
  simp only [Key.toNat, Key.mk.injEq, Fin.ext_iff] at *
  omega

theorem Witness.packing_is_injective :
    ∃ (a b : Key), ∃ (_ : a.toNat = b.toNat), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 4⟩, rfl, trivial⟩

theorem Proof.packing_is_below_two_to_the_224 : Claim.packing_is_below_two_to_the_224 := by
  intro k
  unfold Key.toNat
  omega

theorem Witness.packing_is_below_two_to_the_224 : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

end Omega
