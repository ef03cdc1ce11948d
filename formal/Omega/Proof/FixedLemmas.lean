module

public import Omega.Spec.Fixed
public import Omega.Proof.Key

/-! # Lemmas about sums, their bytes, figures and means -/

@[expose] public noncomputable section

namespace Omega

namespace Fixed

/-! ## Sums -/

theorem sum_append (a b : List Int) : sum (a ++ b) = sum a + sum b := by
  induction a with
  | nil => simp only [List.nil_append, sum, Int.zero_add]
  | cons v a ih => simp only [List.cons_append, sum, ih, Int.add_assoc]

theorem sum_perm {a b : List Int} (h : a.Perm b) : sum a = sum b := by
  induction h with
  | nil => rfl
  | cons v _ ih => simp only [sum, ih]
  | swap v w l => simp only [sum]; omega
  | trans _ _ ih ih' => exact ih.trans ih'

theorem sum_flatten (parts : List (List Int)) : sum (parts.map sum) = sum parts.flatten := by
  induction parts with
  | nil => rfl
  | cons a parts ih => rw [List.map_cons, List.flatten_cons, sum_append, sum, ih]

theorem sum_bounds {values : List Int} (h : ∀ v ∈ values, IsI32 v) :
    -(2 ^ 31 * (values.length : Int)) ≤ sum values ∧ sum values ≤ 2 ^ 31 * (values.length : Int) := by
  induction values with
  | nil => simp only [sum, List.length_nil]; omega
  | cons v values ih =>
    have hv : -2 ^ 31 ≤ v ∧ v < 2 ^ 31 := h v List.mem_cons_self
    have := ih (fun w hw => h w (List.mem_cons_of_mem _ hw))
    simp only [sum, List.length_cons]
    omega

theorem wrapped_from {values : List Int} (h : ∀ v ∈ values, IsI32 v) (start : Int)
    (low : -2 ^ 127 ≤ start - 2 ^ 31 * (values.length : Int))
    (high : start + 2 ^ 31 * (values.length : Int) < 2 ^ 127) :
    values.foldl (fun s v => wrap (s + v)) start = start + sum values := by
  induction values generalizing start with
  | nil => simp only [List.foldl_nil, sum, Int.add_zero]
  | cons v values ih =>
    have hv : -2 ^ 31 ≤ v ∧ v < 2 ^ 31 := h v List.mem_cons_self
    simp only [List.length_cons] at low high
    have exact : wrap (start + v) = start + v := by unfold wrap; omega
    rw [List.foldl_cons, exact, ih (fun w hw => h w (List.mem_cons_of_mem _ hw)) (start + v)
      (by omega) (by omega), sum, Int.add_assoc]

/-! ## 16 bytes -/

theorem decode_encode {n : Int} (h : IsI128 n) : decode (encode n) = n := by
  have hn : -2 ^ 127 ≤ n ∧ n < 2 ^ 127 := h
  have fits : (n % 2 ^ 128).toNat < 256 ^ 16 := by
    have : (256 : Nat) ^ 16 = 2 ^ 128 := by decide
    omega
  unfold decode encode
  rw [Bytes.ofBytes_toBytes fits]
  split <;> omega

theorem ofBytes_16_lt {bytes : Bytes} (h : bytes.length = 16) : ofBytes bytes < 2 ^ 128 := by
  have := Bytes.ofBytes_lt bytes
  rw [h] at this
  exact Nat.lt_of_lt_of_le this (by decide)

theorem decode_fits {bytes : Bytes} (h : bytes.length = 16) : IsI128 (decode bytes) := by
  have := ofBytes_16_lt h
  show -2 ^ 127 ≤ decode bytes ∧ decode bytes < 2 ^ 127
  unfold decode
  split <;> omega

theorem encode_decode {bytes : Bytes} (h : bytes.length = 16) : encode (decode bytes) = bytes := by
  have := ofBytes_16_lt h
  have same : (decode bytes % 2 ^ 128).toNat = ofBytes bytes := by
    unfold decode
    split <;> omega
  unfold encode
  rw [same, Bytes.toBytes_ofBytes_of_length h]

/-! ## Figures -/

/-- The figures of one value. -/
def Stats.one (v : Int) : Stats := ⟨1, v, v, v⟩

theorem merge_empty (s : Stats) : s.merge Stats.empty = s := rfl

theorem add_eq_merge (s : Stats) (h : s.count = 0 → s = Stats.empty) (v : Int) :
    s.add v = s.merge (Stats.one v) := by
  unfold Stats.add Stats.merge
  split
  · rename_i hs
    rw [h hs]
    simp only [Stats.empty, Stats.one, Int.zero_add]
    rfl
  · rename_i hs
    simp only [Stats.one, ↓reduceIte, Nat.one_ne_zero]

theorem merge_assoc (a b c : Stats) : (a.merge b).merge c = a.merge (b.merge c) := by
  by_cases hc : c.count = 0
  · simp only [Stats.merge, hc, ↓reduceIte]
  · by_cases hb : b.count = 0
    · simp only [Stats.merge, hb, hc, ↓reduceIte]
    · by_cases ha : a.count = 0
      · have : ¬ b.count + c.count = 0 := by omega
        simp only [Stats.merge, ha, hb, hc, ↓reduceIte, this]
      · have hab : ¬ a.count + b.count = 0 := by omega
        have hbc : ¬ b.count + c.count = 0 := by omega
        simp only [Stats.merge, ha, hb, hc, ↓reduceIte, hab, hbc, Stats.mk.injEq]
        omega

theorem merge_comm {a b : Stats} (ha : a.count = 0 → a = Stats.empty)
    (hb : b.count = 0 → b = Stats.empty) : a.merge b = b.merge a := by
  by_cases hac : a.count = 0
  · by_cases hbc : b.count = 0
    · rw [ha hac, hb hbc]
    · simp only [Stats.merge, hac, hbc, ↓reduceIte]
  · by_cases hbc : b.count = 0
    · simp only [Stats.merge, hac, hbc, ↓reduceIte]
    · simp only [Stats.merge, hac, hbc, ↓reduceIte, Stats.mk.injEq]
      omega

theorem empty_merge {s : Stats} (h : s.count = 0 → s = Stats.empty) : Stats.empty.merge s = s := by
  rw [merge_comm (fun _ => rfl) h, merge_empty]

theorem count_add (s : Stats) (v : Int) : (s.add v).count = s.count + 1 := by
  unfold Stats.add
  split
  · rename_i hs
    simp only [hs, Nat.zero_add]
  · rfl

theorem add_merge (s t : Stats) (ht : t.count = 0 → t = Stats.empty)
    (hs : s.count = 0 → s = Stats.empty) (v : Int) : (s.merge t).add v = s.merge (t.add v) := by
  have hst : (s.merge t).count = 0 → s.merge t = Stats.empty := by
    intro h
    unfold Stats.merge at h ⊢
    split at h
    · rename_i htc
      rw [if_pos htc, hs h]
    · split at h
      · exact absurd h (by assumption)
      · have : s.count + t.count = 0 := h
        omega
  rw [add_eq_merge _ hst, add_eq_merge _ ht, merge_assoc]

theorem fold_from (values : List Int) (s t : Stats) (hs : s.count = 0 → s = Stats.empty)
    (ht : t.count = 0 → t = Stats.empty) :
    values.foldl Stats.add (s.merge t) = s.merge (values.foldl Stats.add t) := by
  induction values generalizing t with
  | nil => rfl
  | cons v values ih =>
    rw [List.foldl_cons, List.foldl_cons, add_merge s t ht hs, ih]
    intro h
    rw [count_add] at h
    omega

theorem count_fold (values : List Int) (s : Stats) :
    (values.foldl Stats.add s).count = s.count + values.length := by
  induction values generalizing s with
  | nil => rfl
  | cons v values ih => rw [List.foldl_cons, ih, count_add, List.length_cons]; omega

theorem count_of (values : List Int) : (Stats.of values).count = values.length := by
  unfold Stats.of
  rw [count_fold]
  exact Nat.zero_add _

theorem of_empty {values : List Int} (h : (Stats.of values).count = 0) :
    Stats.of values = Stats.empty := by
  rw [count_of] at h
  rw [List.length_eq_zero_iff.mp h]
  rfl

theorem of_append (a b : List Int) : (Stats.of a).merge (Stats.of b) = Stats.of (a ++ b) := by
  have h := fold_from b (Stats.of a) Stats.empty of_empty (fun _ => rfl)
  rw [merge_empty] at h
  unfold Stats.of at h ⊢
  rw [List.foldl_append, h]

theorem of_one (v : Int) : Stats.of [v] = Stats.one v := by
  simp only [Stats.of, List.foldl_cons, List.foldl_nil, Stats.add, Stats.empty, ↓reduceIte,
    Int.zero_add, Stats.one]

theorem of_cons (v : Int) (values : List Int) :
    Stats.of (v :: values) = (Stats.one v).merge (Stats.of values) := by
  rw [← of_one, of_append, List.singleton_append]

theorem of_perm {a b : List Int} (h : a.Perm b) : Stats.of a = Stats.of b := by
  induction h with
  | nil => rfl
  | cons v _ ih => rw [of_cons, of_cons, ih]
  | swap v w l =>
    have one : ∀ x : Int, (Stats.one x).count = 0 → Stats.one x = Stats.empty := by
      intro x hx
      cases hx
    rw [of_cons, of_cons, of_cons, of_cons, ← merge_assoc, ← merge_assoc, merge_comm (one v) (one w)]
  | trans _ _ ih ih' => exact ih.trans ih'

theorem of_flatten (parts : List (List Int)) (start : List Int) :
    (parts.map Stats.of).foldl Stats.merge (Stats.of start) = Stats.of (start ++ parts.flatten) := by
  induction parts generalizing start with
  | nil => simp only [List.map_nil, List.foldl_nil, List.flatten_nil, List.append_nil]
  | cons a parts ih =>
    rw [List.map_cons, List.foldl_cons, of_append, ih, List.flatten_cons, List.append_assoc]

/-- What the figures of values are, value by value. -/
theorem of_cons_cases (v : Int) (values : List Int) :
    values = [] ∧ Stats.of (v :: values) = Stats.one v ∨
      values ≠ [] ∧ Stats.of (v :: values) =
        ⟨1 + (Stats.of values).count, v + (Stats.of values).total,
          min v (Stats.of values).least, max v (Stats.of values).greatest⟩ := by
  cases values with
  | nil => exact .inl ⟨rfl, of_one v⟩
  | cons w rest =>
    refine .inr ⟨List.cons_ne_nil _ _, ?_⟩
    have : ¬ (Stats.of (w :: rest)).count = 0 := by rw [count_of, List.length_cons]; omega
    rw [of_cons, Stats.merge, if_neg this]
    rfl

theorem total_of (values : List Int) : (Stats.of values).total = sum values := by
  induction values with
  | nil => rfl
  | cons v values ih =>
    rcases of_cons_cases v values with ⟨rfl, h⟩ | ⟨-, h⟩
    · rw [h]
      simp only [Stats.one, sum, Int.add_zero]
    · rw [h]
      simp only [ih, sum]

theorem least_le {values : List Int} {v : Int} (hv : v ∈ values) : (Stats.of values).least ≤ v := by
  induction values with
  | nil => cases hv
  | cons w values ih =>
    rcases of_cons_cases w values with ⟨rfl, h⟩ | ⟨-, h⟩
    · rw [h, List.mem_singleton.mp hv]
      exact Int.le_refl w
    · rw [h]
      show min w (Stats.of values).least ≤ v
      cases List.mem_cons.mp hv with
      | inl e => omega
      | inr hv => have := ih hv; omega

theorem le_greatest {values : List Int} {v : Int} (hv : v ∈ values) :
    v ≤ (Stats.of values).greatest := by
  induction values with
  | nil => cases hv
  | cons w values ih =>
    rcases of_cons_cases w values with ⟨rfl, h⟩ | ⟨-, h⟩
    · rw [h, List.mem_singleton.mp hv]
      exact Int.le_refl w
    · rw [h]
      show v ≤ max w (Stats.of values).greatest
      cases List.mem_cons.mp hv with
      | inl e => omega
      | inr hv => have := ih hv; omega

theorem least_mem {values : List Int} (h : values ≠ []) : (Stats.of values).least ∈ values := by
  induction values with
  | nil => exact absurd rfl h
  | cons w values ih =>
    rcases of_cons_cases w values with ⟨rfl, h⟩ | ⟨ne, h⟩
    · rw [h]
      exact List.mem_cons_self
    · rw [h]
      show min w (Stats.of values).least ∈ w :: values
      by_cases hw : w ≤ (Stats.of values).least
      · rw [Int.min_eq_left hw]
        exact List.mem_cons_self
      · rw [Int.min_eq_right (by omega)]
        exact List.mem_cons_of_mem _ (ih ne)

theorem greatest_mem {values : List Int} (h : values ≠ []) :
    (Stats.of values).greatest ∈ values := by
  induction values with
  | nil => exact absurd rfl h
  | cons w values ih =>
    rcases of_cons_cases w values with ⟨rfl, h⟩ | ⟨ne, h⟩
    · rw [h]
      exact List.mem_cons_self
    · rw [h]
      show max w (Stats.of values).greatest ∈ w :: values
      by_cases hw : w ≤ (Stats.of values).greatest
      · rw [Int.max_eq_right hw]
        exact List.mem_cons_of_mem _ (ih ne)
      · rw [Int.max_eq_left (by omega)]
        exact List.mem_cons_self

end Fixed

/-! ## Rounding and means -/

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
