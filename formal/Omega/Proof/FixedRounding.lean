module

public import Omega.Spec.Fixed
public import Omega.Proof.FixedLemmas

/-! # Lemmas about rounding and means -/

@[expose] public noncomputable section

namespace Omega

namespace Fixed

theorem nearest_spec {a n : Nat} (hn : 0 < n) :
    2 * (nearest a n * n) ≤ 2 * a + n ∧ 2 * a ≤ 2 * (nearest a n * n) + n ∧
      (2 * (nearest a n * n) = 2 * a + n ∨ 2 * a = 2 * (nearest a n * n) + n →
        nearest a n % 2 = 0) := by
  have hr : a % n < n := Nat.mod_lt _ hn
  have hq : n * (a / n) + a % n = a := Nat.div_add_mod a n
  rw [Nat.mul_comm] at hq
  unfold nearest
  split
  · rw [Nat.add_mul, Nat.one_mul]
    omega
  · omega

theorem meanOf_spec (total : Int) {count : Nat} (hn : 0 < count) :
    WithinHalf total count (meanOf total count) ∧
      (IsTie total count (meanOf total count) → meanOf total count % 2 = 0) := by
  have h := nearest_spec (a := total.natAbs) hn
  unfold WithinHalf IsTie meanOf
  generalize nearest total.natAbs count = q at h
  have cast : ((q * count : Nat) : Int) = (q : Int) * (count : Int) := Int.natCast_mul q count
  generalize q * count = p at h cast
  split
  · rw [Int.neg_mul, ← cast]
    omega
  · rw [← cast]
    omega

/-- What is at most half a unit more than another product is no more. -/
theorem le_of_mul {x y : Int} {n : Nat} (hn : 0 < n) (h : 2 * (x * n) ≤ 2 * (y * n) + n) : x ≤ y := by
  apply Int.not_lt.mp
  intro hlt
  have hmul : (y + 1) * (n : Int) ≤ x * n := Int.mul_le_mul_of_nonneg_right hlt (Int.natCast_nonneg n)
  rw [Int.add_mul, Int.one_mul] at hmul
  omega

theorem not_two_nearest {total x y : Int} {n : Nat} (hn : 0 < n) (hx : WithinHalf total n x)
    (hy : WithinHalf total n y) (ex : IsTie total n x → x % 2 = 0)
    (ey : IsTie total n y → y % 2 = 0) : ¬ x < y := by
  intro hlt
  unfold WithinHalf at hx hy
  unfold IsTie at ex ey
  have next : y ≤ x + 1 := by
    apply le_of_mul hn
    rw [Int.add_mul, Int.one_mul]
    omega
  have e : y = x + 1 := by omega
  subst e
  rw [Int.add_mul, Int.one_mul] at hy ey
  have := ex (by omega)
  have := ey (by omega)
  omega

theorem meanOf_unique {total m : Int} {count : Nat} (hn : 0 < count) (hm : WithinHalf total count m)
    (em : IsTie total count m → m % 2 = 0) : m = meanOf total count := by
  have h := meanOf_spec total hn
  have := not_two_nearest hn hm h.1 em h.2
  have := not_two_nearest hn h.1 hm h.2 em
  omega

theorem length_mul_le {values : List Int} {low : Int} (h : ∀ v ∈ values, low ≤ v) :
    low * values.length ≤ sum values := by
  induction values with
  | nil => simp only [List.length_nil, sum]; omega
  | cons v values ih =>
    have hv := h v List.mem_cons_self
    have := ih (fun w hw => h w (List.mem_cons_of_mem _ hw))
    rw [List.length_cons, sum, Int.natCast_add, Int.mul_add]
    omega

theorem le_length_mul {values : List Int} {high : Int} (h : ∀ v ∈ values, v ≤ high) :
    sum values ≤ high * values.length := by
  induction values with
  | nil => simp only [List.length_nil, sum]; omega
  | cons v values ih =>
    have hv := h v List.mem_cons_self
    have := ih (fun w hw => h w (List.mem_cons_of_mem _ hw))
    rw [List.length_cons, sum, Int.natCast_add, Int.mul_add]
    omega

theorem least_le_meanOf {values : List Int} (h : values ≠ []) :
    (Stats.of values).least ≤ meanOf (sum values) values.length := by
  have hn : 0 < values.length := List.length_pos_iff.mpr h
  have near := (meanOf_spec (sum values) hn).1
  have low := length_mul_le (low := (Stats.of values).least) (fun v hv => least_le hv)
  unfold WithinHalf at near
  apply le_of_mul hn
  omega

theorem meanOf_le_greatest {values : List Int} (h : values ≠ []) :
    meanOf (sum values) values.length ≤ (Stats.of values).greatest := by
  have hn : 0 < values.length := List.length_pos_iff.mpr h
  have near := (meanOf_spec (sum values) hn).1
  have high := le_length_mul (high := (Stats.of values).greatest) (fun v hv => le_greatest hv)
  unfold WithinHalf at near
  apply le_of_mul hn
  omega

theorem mean_of {values : List Int} {m : Int} (h : (Stats.of values).mean = some m) :
    values ≠ [] ∧ m = meanOf (sum values) values.length := by
  unfold Stats.mean at h
  rw [count_of, total_of] at h
  split at h
  · cases h
  · rename_i hn
    split at h
    · cases h
      refine ⟨?_, rfl⟩
      rintro rfl
      exact hn rfl
    · cases h

end Fixed

end Omega
