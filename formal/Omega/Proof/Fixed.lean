module

public import Omega.Spec.Fixed
public import Omega.Proof.FixedLemmas

/-! # Proofs about fixed point -/

@[expose] public noncomputable section

namespace Omega

open Fixed

/-! ## Order and grouping -/

theorem Proof.a_sum_does_not_depend_on_order : Claim.a_sum_does_not_depend_on_order := by
  intro a b h
  exact sum_perm h

theorem Witness.a_sum_does_not_depend_on_order : ∃ (a b : List Int), ∃ (_ : a.Perm b), True :=
  ⟨[12345, -500], [-500, 12345], List.Perm.swap _ _ _, trivial⟩

theorem Proof.a_sum_does_not_depend_on_grouping : Claim.a_sum_does_not_depend_on_grouping := by
  intro parts
  exact sum_flatten parts

theorem Witness.a_sum_does_not_depend_on_grouping : ∃ (_ : List (List Int)), True :=
  ⟨[[12345, -500], [], [7]], trivial⟩

theorem Proof.figures_do_not_depend_on_order : Claim.figures_do_not_depend_on_order := by
  intro a b h
  exact of_perm h

theorem Witness.figures_do_not_depend_on_order : ∃ (a b : List Int), ∃ (_ : a.Perm b), True :=
  ⟨[12345, -500], [-500, 12345], List.Perm.swap _ _ _, trivial⟩

theorem Proof.figures_do_not_depend_on_grouping : Claim.figures_do_not_depend_on_grouping := by
  intro parts
  exact of_flatten parts []

theorem Witness.figures_do_not_depend_on_grouping : ∃ (_ : List (List Int)), True :=
  ⟨[[12345, -500], [], [7]], trivial⟩

theorem Proof.figures_of_two_parts_merge : Claim.figures_of_two_parts_merge := by
  intro a b
  exact of_append a b

theorem Witness.figures_of_two_parts_merge : ∃ (_ _ : List Int), True :=
  ⟨[12345, -500], [7], trivial⟩

theorem Proof.merging_figures_is_associative : Claim.merging_figures_is_associative := by
  intro a b c
  exact merge_assoc a b c

theorem Witness.merging_figures_is_associative : ∃ (_ _ _ : Stats), True :=
  ⟨⟨2, 11845, -500, 12345⟩, Stats.empty, ⟨1, 7, 7, 7⟩, trivial⟩

theorem Proof.merging_figures_is_commutative : Claim.merging_figures_is_commutative := by
  intro a b ha hb
  exact merge_comm ha hb

theorem Witness.merging_figures_is_commutative :
    ∃ (a b : Stats), ∃ (_ : a.count = 0 → a = Stats.empty) (_ : b.count = 0 → b = Stats.empty),
      True :=
  ⟨⟨2, 11845, -500, 12345⟩, ⟨1, 7, 7, 7⟩, by decide, by decide, trivial⟩

theorem Proof.merging_no_figures_changes_nothing : Claim.merging_no_figures_changes_nothing := by
  intro s
  exact merge_empty s

theorem Witness.merging_no_figures_changes_nothing : ∃ (_ : Stats), True :=
  ⟨⟨2, 11845, -500, 12345⟩, trivial⟩

theorem Proof.figures_without_a_count_are_empty : Claim.figures_without_a_count_are_empty := by
  intro values h
  exact of_empty h

theorem Witness.figures_without_a_count_are_empty :
    ∃ (values : List Int), ∃ (_ : (Stats.of values).count = 0), True :=
  ⟨[], rfl, trivial⟩

/-! ## What the figures are -/

theorem Proof.the_count_is_the_number_of_values : Claim.the_count_is_the_number_of_values := by
  intro values
  exact count_of values

theorem Witness.the_count_is_the_number_of_values : ∃ (_ : List Int), True :=
  ⟨[12345, -500], trivial⟩

theorem Proof.the_total_is_the_exact_sum : Claim.the_total_is_the_exact_sum := by
  intro values
  exact total_of values

theorem Witness.the_total_is_the_exact_sum : ∃ (_ : List Int), True :=
  ⟨[12345, -500], trivial⟩

theorem Proof.no_value_is_below_the_least : Claim.no_value_is_below_the_least := by
  intro values v hv
  exact least_le hv

theorem Witness.no_value_is_below_the_least :
    ∃ (values : List Int) (v : Int), ∃ (_ : v ∈ values), True :=
  ⟨[12345, -500], 12345, by decide, trivial⟩

theorem Proof.the_least_is_one_of_the_values : Claim.the_least_is_one_of_the_values := by
  intro values h
  exact least_mem h

theorem Witness.the_least_is_one_of_the_values :
    ∃ (values : List Int), ∃ (_ : values ≠ []), True :=
  ⟨[12345, -500], by decide, trivial⟩

theorem Proof.no_value_is_above_the_greatest : Claim.no_value_is_above_the_greatest := by
  intro values v hv
  exact le_greatest hv

theorem Witness.no_value_is_above_the_greatest :
    ∃ (values : List Int) (v : Int), ∃ (_ : v ∈ values), True :=
  ⟨[12345, -500], -500, by decide, trivial⟩

theorem Proof.the_greatest_is_one_of_the_values : Claim.the_greatest_is_one_of_the_values := by
  intro values h
  exact greatest_mem h

theorem Witness.the_greatest_is_one_of_the_values :
    ∃ (values : List Int), ∃ (_ : values ≠ []), True :=
  ⟨[12345, -500], by decide, trivial⟩

/-! ## No overflow -/

theorem Proof.a_sum_stays_below_two_to_the_95 : Claim.a_sum_stays_below_two_to_the_95 := by
  intro values h hl
  have := sum_bounds h
  omega

theorem Witness.a_sum_stays_below_two_to_the_95 :
    ∃ (values : List Int), ∃ (_ : ∀ v ∈ values, IsI32 v) (_ : values.length < 2 ^ 64), True :=
  ⟨[2147483647, 2147483647, -2147483648], by decide, by decide, trivial⟩

theorem Proof.a_sum_fits_128_bits : Claim.a_sum_fits_128_bits := by
  intro values h hl
  have := sum_bounds h
  show -2 ^ 127 ≤ sum values ∧ sum values < 2 ^ 127
  omega

theorem Witness.a_sum_fits_128_bits :
    ∃ (values : List Int), ∃ (_ : ∀ v ∈ values, IsI32 v) (_ : values.length < 2 ^ 64), True :=
  ⟨[2147483647, 2147483647, -2147483648], by decide, by decide, trivial⟩

theorem Proof.adding_in_128_bits_is_exact : Claim.adding_in_128_bits_is_exact := by
  intro values h hl
  have := wrapped_from h 0 (by omega) (by omega)
  rwa [Int.zero_add] at this

theorem Witness.adding_in_128_bits_is_exact :
    ∃ (values : List Int), ∃ (_ : ∀ v ∈ values, IsI32 v) (_ : values.length < 2 ^ 64), True :=
  ⟨[2147483647, 2147483647, -2147483648], by decide, by decide, trivial⟩

theorem Proof.what_is_cut_to_128_bits_fits_them : Claim.what_is_cut_to_128_bits_fits_them := by
  intro n
  show -2 ^ 127 ≤ wrap n ∧ wrap n < 2 ^ 127
  unfold wrap
  omega

theorem Witness.what_is_cut_to_128_bits_fits_them : ∃ (_ : Int), True :=
  ⟨2 ^ 127, trivial⟩

theorem Proof.cutting_takes_away_multiples_of_two_to_the_128 :
    Claim.cutting_takes_away_multiples_of_two_to_the_128 := by
  intro n
  unfold wrap
  omega

theorem Witness.cutting_takes_away_multiples_of_two_to_the_128 : ∃ (_ : Int), True :=
  ⟨2 ^ 127, trivial⟩

theorem Proof.an_i128_is_read_back_from_its_bytes : Claim.an_i128_is_read_back_from_its_bytes := by
  intro n h
  exact decode_encode h

theorem Witness.an_i128_is_read_back_from_its_bytes : ∃ (n : Int), ∃ (_ : IsI128 n), True :=
  ⟨-500, by decide, trivial⟩

theorem Proof.sixteen_bytes_are_those_of_their_i128 :
    Claim.sixteen_bytes_are_those_of_their_i128 := by
  intro bytes h
  exact encode_decode h

theorem Witness.sixteen_bytes_are_those_of_their_i128 :
    ∃ (bytes : Bytes), ∃ (_ : bytes.length = 16), True :=
  ⟨List.replicate 16 255, by decide, trivial⟩

theorem Proof.sixteen_bytes_are_an_i128 : Claim.sixteen_bytes_are_an_i128 := by
  intro bytes h
  exact decode_fits h

theorem Witness.sixteen_bytes_are_an_i128 : ∃ (bytes : Bytes), ∃ (_ : bytes.length = 16), True :=
  ⟨List.replicate 16 255, by decide, trivial⟩

/-! ## The mean -/

theorem Proof.the_mean_is_within_half_a_unit : Claim.the_mean_is_within_half_a_unit := by
  intro total count h
  exact (meanOf_spec total h).1

theorem Witness.the_mean_is_within_half_a_unit :
    ∃ (_ : Int) (count : Nat), ∃ (_ : 0 < count), True :=
  ⟨-7, 3, by decide, trivial⟩

theorem Proof.the_mean_is_even_at_a_tie : Claim.the_mean_is_even_at_a_tie := by
  intro total count h
  exact (meanOf_spec total h).2

theorem Witness.the_mean_is_even_at_a_tie :
    ∃ (total : Int) (count : Nat), ∃ (_ : 0 < count) (_ : IsTie total count (meanOf total count)),
      True :=
  ⟨-3, 2, by decide, by unfold IsTie; decide, trivial⟩

theorem Proof.the_mean_is_the_only_such_number : Claim.the_mean_is_the_only_such_number := by
  intro total count m h hm em
  exact meanOf_unique h hm em

theorem Witness.the_mean_is_the_only_such_number :
    ∃ (total : Int) (count : Nat) (m : Int), ∃ (_ : 0 < count) (_ : WithinHalf total count m)
      (_ : IsTie total count m → m % 2 = 0), True :=
  ⟨-3, 2, -2, by decide, by unfold WithinHalf; decide, by unfold IsTie; decide, trivial⟩

theorem Proof.the_mean_of_i32_values_is_an_i32 : Claim.the_mean_of_i32_values_is_an_i32 := by
  intro values h ne
  have low : -2 ^ 31 ≤ (Stats.of values).least := (h _ (least_mem ne)).1
  have high : (Stats.of values).greatest < 2 ^ 31 := (h _ (greatest_mem ne)).2
  have fits : IsI32 (meanOf (sum values) values.length) :=
    ⟨Int.le_trans low (least_le_meanOf ne), Int.lt_of_le_of_lt (meanOf_le_greatest ne) high⟩
  have some : ¬ values.length = 0 := fun e => ne (List.length_eq_zero_iff.mp e)
  unfold Stats.mean
  rw [count_of, total_of, if_neg some, if_pos fits]

theorem Witness.the_mean_of_i32_values_is_an_i32 :
    ∃ (values : List Int), ∃ (_ : ∀ v ∈ values, IsI32 v) (_ : values ≠ []), True :=
  ⟨[1, 2, -500], by decide, by decide, trivial⟩

theorem Proof.a_mean_is_an_i32 : Claim.a_mean_is_an_i32 := by
  intro s m h
  unfold Stats.mean at h
  split at h
  · cases h
  · split at h
    · cases h
      assumption
    · cases h

theorem Witness.a_mean_is_an_i32 : ∃ (s : Stats) (m : Int), ∃ (_ : s.mean = some m), True :=
  ⟨⟨2, 3, 1, 2⟩, 2, by decide, trivial⟩

theorem Proof.figures_of_no_values_have_no_mean : Claim.figures_of_no_values_have_no_mean := by
  intro s h
  exact if_pos h

theorem Witness.figures_of_no_values_have_no_mean :
    ∃ (s : Stats), ∃ (_ : s.count = 0), True :=
  ⟨Stats.empty, rfl, trivial⟩

theorem Proof.a_mean_is_not_below_the_least : Claim.a_mean_is_not_below_the_least := by
  intro values m h
  obtain ⟨ne, rfl⟩ := mean_of h
  exact least_le_meanOf ne

theorem Witness.a_mean_is_not_below_the_least :
    ∃ (values : List Int) (m : Int), ∃ (_ : (Stats.of values).mean = some m), True :=
  ⟨[1, 2], 2, by decide, trivial⟩

theorem Proof.a_mean_is_not_above_the_greatest : Claim.a_mean_is_not_above_the_greatest := by
  intro values m h
  obtain ⟨ne, rfl⟩ := mean_of h
  exact meanOf_le_greatest ne

theorem Witness.a_mean_is_not_above_the_greatest :
    ∃ (values : List Int) (m : Int), ∃ (_ : (Stats.of values).mean = some m), True :=
  ⟨[-2, -3], -2, by decide, trivial⟩

theorem Proof.a_mean_does_not_depend_on_order : Claim.a_mean_does_not_depend_on_order := by
  intro a b h
  rw [of_perm h]

theorem Witness.a_mean_does_not_depend_on_order : ∃ (a b : List Int), ∃ (_ : a.Perm b), True :=
  ⟨[12345, -500], [-500, 12345], List.Perm.swap _ _ _, trivial⟩

/-! ## Why sums are exact -/

theorem Proof.what_is_clamped_is_an_i32 : Claim.what_is_clamped_is_an_i32 := by
  intro n
  show -2 ^ 31 ≤ clamp n ∧ clamp n < 2 ^ 31
  unfold clamp
  omega

theorem Witness.what_is_clamped_is_an_i32 : ∃ (_ : Int), True :=
  ⟨2 ^ 31, trivial⟩

theorem Proof.clamping_changes_no_i32 : Claim.clamping_changes_no_i32 := by
  intro n h
  have : -2 ^ 31 ≤ n ∧ n < 2 ^ 31 := h
  unfold clamp
  omega

theorem Witness.clamping_changes_no_i32 : ∃ (n : Int), ∃ (_ : IsI32 n), True :=
  ⟨-500, by decide, trivial⟩

theorem Proof.clamping_at_each_step_depends_on_order :
    Claim.clamping_at_each_step_depends_on_order := by
  intro h
  have same := h [2147483647, 1, -1] [2147483647, -1, 1] (by decide)
    (List.Perm.cons _ (List.Perm.swap _ _ _))
  revert same
  decide

theorem Witness.clamping_at_each_step_depends_on_order : True := trivial

theorem Proof.every_positive_value_shows_that_clamping_depends_on_order :
    Claim.every_positive_value_shows_that_clamping_depends_on_order := by
  intro v low high
  simp only [clampedSum, List.foldl_cons, List.foldl_nil, clamp]
  omega

theorem Witness.every_positive_value_shows_that_clamping_depends_on_order :
    ∃ (v : Int), ∃ (_ : 0 < v) (_ : v < 2 ^ 31), True :=
  ⟨500, by decide, by decide, trivial⟩

end Omega
