module

public import Omega.Spec.Section
public import Omega.Proof.Order

/-! Lemmas about sorted lists without copies, and about what holds a key. -/

@[expose] public noncomputable section

namespace Omega.Section

variable {α : Type}

section Lists
variable [DecidableEq α]

theorem mem_distinct {x : α} {l : List α} : x ∈ distinct l ↔ x ∈ l := by
  induction l with
  | nil => exact Iff.rfl
  | cons y rest ih =>
    unfold distinct
    by_cases h : y ∈ rest
    · simp only [h, ↓reduceIte, ih, List.mem_cons]
      constructor
      · exact Or.inr
      · rintro (rfl | h') <;> assumption
    · simp only [h, ↓reduceIte, List.mem_cons, ih]

theorem distinct_differ (l : List α) : (distinct l).Pairwise (· ≠ ·) := by
  induction l with
  | nil => exact List.Pairwise.nil
  | cons y rest ih =>
    unfold distinct
    by_cases h : y ∈ rest
    · simp only [h, ↓reduceIte, ih]
    · simp only [h, ↓reduceIte]
      refine List.Pairwise.cons ?_ ih
      intro z hz e
      exact h (e ▸ mem_distinct.mp hz)

theorem length_distinct (l : List α) : (distinct l).length + copies l = l.length := by
  induction l with
  | nil => rfl
  | cons y rest ih =>
    unfold distinct copies
    by_cases h : y ∈ rest
    · simp only [h, ↓reduceIte, List.length_cons]; omega
    · simp only [h, ↓reduceIte, List.length_cons]; omega

end Lists

/-- Ranks that do not fall increase, if no two elements have one. -/
theorem strict_of {rank : α → Nat} {l : List α}
    (sorted : l.Pairwise (fun a b => rank a ≤ rank b)) (differ : l.Pairwise (· ≠ ·))
    (injective : ∀ x ∈ l, ∀ y ∈ l, rank x = rank y → x = y) :
    l.Pairwise (fun a b => rank a < rank b) := by
  induction l with
  | nil => exact List.Pairwise.nil
  | cons x rest ih =>
    obtain ⟨first, tail⟩ := List.pairwise_cons.mp sorted
    obtain ⟨other, differ⟩ := List.pairwise_cons.mp differ
    refine List.Pairwise.cons (fun y hy => ?_) (ih tail differ fun a ha b hb =>
      injective a (List.mem_cons_of_mem _ ha) b (List.mem_cons_of_mem _ hb))
    have hne : rank x ≠ rank y := fun e =>
      other y hy (injective x List.mem_cons_self y (List.mem_cons_of_mem _ hy) e)
    have := first y hy
    omega

/-- A list with increasing ranks is known by its elements. -/
theorem strict_unique {rank : α → Nat} {l m : List α}
    (hl : l.Pairwise (fun a b => rank a < rank b)) (hm : m.Pairwise (fun a b => rank a < rank b))
    (same : ∀ x, x ∈ l ↔ x ∈ m) : l = m := by
  induction l generalizing m with
  | nil =>
    cases m with
    | nil => rfl
    | cons y _ => exact absurd ((same y).mpr List.mem_cons_self) List.not_mem_nil
  | cons x l ih =>
    cases m with
    | nil => exact absurd ((same x).mp List.mem_cons_self) List.not_mem_nil
    | cons y m =>
      obtain ⟨firstX, tailX⟩ := List.pairwise_cons.mp hl
      obtain ⟨firstY, tailY⟩ := List.pairwise_cons.mp hm
      have e : x = y := by
        rcases List.mem_cons.mp ((same x).mp List.mem_cons_self) with h | h
        · exact h
        · rcases List.mem_cons.mp ((same y).mpr List.mem_cons_self) with h' | h'
          · exact h'.symm
          · have := firstY x h; have := firstX y h'; omega
      subst e
      refine congrArg (x :: ·) (ih tailX tailY ?_)
      intro z
      constructor
      · intro h
        rcases List.mem_cons.mp ((same z).mp (List.mem_cons_of_mem _ h)) with e | h'
        · subst e; have := firstX z h; omega
        · exact h'
      · intro h
        rcases List.mem_cons.mp ((same z).mpr (List.mem_cons_of_mem _ h)) with e | h'
        · subst e; have := firstY z h; omega
        · exact h'

theorem mem_canonicalBy [DecidableEq α] {rank : α → Nat} {x : α} {l : List α} :
    x ∈ canonicalBy rank l ↔ x ∈ l :=
  (Order.sort_same (rank := rank) (distinct l)).mem.trans mem_distinct

theorem strict_canonicalBy [DecidableEq α] {rank : α → Nat} {l : List α}
    (injective : ∀ x ∈ l, ∀ y ∈ l, rank x = rank y → x = y) :
    (canonicalBy rank l).Pairwise (fun a b => rank a < rank b) := by
  have perm : (canonicalBy rank l).Perm (distinct l) :=
    (Order.sort_same (rank := rank) (distinct l)).perm
  refine strict_of (Order.sort_ranked (rank := rank) (distinct l))
    ((perm.pairwise_iff Ne.symm).mpr (distinct_differ l)) ?_
  intro x hx y hy
  exact injective x (mem_canonicalBy.mp hx) y (mem_canonicalBy.mp hy)

/-- Without copies, a list whose elements are all in another is not longer. -/
theorem length_le [DecidableEq α] {l : List α} : ∀ {m : List α}, l.Pairwise (· ≠ ·) →
    (∀ x ∈ l, x ∈ m) → l.length ≤ m.length := by
  induction l with
  | nil => intro m _ _; exact Nat.zero_le _
  | cons x rest ih =>
    intro m hl hm
    obtain ⟨first, tail⟩ := List.pairwise_cons.mp hl
    have hx := hm x List.mem_cons_self
    have := ih (m := m.erase x) tail fun y hy =>
      (List.mem_erase_of_ne (fun h => first y hy h.symm)).mpr (hm y (List.mem_cons_of_mem _ hy))
    rw [List.length_erase_of_mem hx] at this
    have := List.length_pos_of_mem hx
    rw [List.length_cons]
    omega

/-- Without copies, what has the elements of a list is as long as that without copies. -/
theorem length_eq [DecidableEq α] {l m : List α} (differ : l.Pairwise (· ≠ ·))
    (same : ∀ x, x ∈ l ↔ x ∈ m) : l.length = (distinct m).length :=
  Nat.le_antisymm
    (length_le differ fun x hx => mem_distinct.mpr ((same x).mp hx))
    (length_le (distinct_differ m) fun x hx => (same x).mpr (mem_distinct.mp hx))

/-- What increases has no copies. -/
theorem canonical_differ {trace : List Event} (h : Canonical trace) :
    trace.Pairwise (· ≠ ·) := by
  refine List.Pairwise.imp ?_ h
  intro a b hlt e
  rw [e] at hlt
  exact Nat.lt_irrefl _ hlt

theorem eq_nil_of_no_mem {l : List α} (h : ∀ x, ¬ x ∈ l) : l = [] := by
  cases l with
  | nil => rfl
  | cons x _ => exact absurd List.mem_cons_self (h x)

/-- Of two elements of a list with increasing ranks one is before the other, or they are one. -/
theorem strict_injective {rank : α → Nat} {l : List α}
    (h : l.Pairwise (fun a b => rank a < rank b)) :
    ∀ x ∈ l, ∀ y ∈ l, rank x = rank y → x = y := by
  induction l with
  | nil => intro x hx; exact absurd hx List.not_mem_nil
  | cons z rest ih =>
    obtain ⟨first, tail⟩ := List.pairwise_cons.mp h
    intro x hx y hy e
    rcases List.mem_cons.mp hx with x1 | x1 <;> rcases List.mem_cons.mp hy with y1 | y1
    · rw [x1, y1]
    · have := first y y1; rw [x1] at e; omega
    · have := first x x1; rw [y1] at e; omega
    · exact ih tail x x1 y y1 e

/-! ## Keys held, keys disputed -/

theorem holds_iff {s : Section} {k : Key} : s.holds k = true ↔ ∃ e ∈ s, e.key = k := by
  unfold holds
  simp only [List.any_eq_true, decide_eq_true_eq]

theorem mem_restrict {s : Section} {keys : Key → Bool} {e : Event} :
    e ∈ restrict s keys ↔ e ∈ s ∧ keys e.key = true := by
  unfold restrict; rw [List.mem_filter]

theorem isDisputed_iff {events : List Event} {e : Event} :
    isDisputed events e = true ↔ ∃ f ∈ events, f.key = e.key ∧ f ≠ e := by
  unfold isDisputed
  simp only [List.any_eq_true, Bool.and_eq_true, decide_eq_true_eq, ne_eq, decide_not,
    Bool.not_eq_eq_eq_not, Bool.not_true, decide_eq_false_iff_not]

theorem mem_disputed {events : List Event} {k : Key} :
    k ∈ disputed events ↔ ∃ e ∈ events, ∃ f ∈ events, e.key = k ∧ f.key = k ∧ e ≠ f := by
  unfold disputed
  rw [mem_canonicalBy, List.mem_map]
  constructor
  · rintro ⟨e, he, rfl⟩
    obtain ⟨he, hd⟩ := List.mem_filter.mp he
    obtain ⟨f, hf, hk, hne⟩ := isDisputed_iff.mp hd
    exact ⟨f, hf, e, he, hk, rfl, hne⟩
  · rintro ⟨e, he, f, hf, hek, hfk, hne⟩
    refine ⟨f, List.mem_filter.mpr ⟨hf, isDisputed_iff.mpr ⟨e, he, ?_, hne⟩⟩, hfk⟩
    rw [hek, hfk]

theorem strict_keys (l : List Key) :
    (canonicalBy Key.toNat l).Pairwise (fun a b => a.toNat < b.toNat) :=
  strict_canonicalBy (fun x _ y _ => Proof.packing_is_injective x y)

theorem mem_conflicts {sections : List Section} {k : Key} :
    k ∈ conflicts sections ↔
      ∃ e ∈ sections.flatten, ∃ f ∈ sections.flatten, e.key = k ∧ f.key = k ∧ e ≠ f := by
  unfold conflicts
  rw [mem_disputed]
  simp only [mem_distinct]

/-- No key is in conflict exactly if a key has one event. -/
theorem no_conflict_iff {sections : List Section} :
    conflicts sections = [] ↔
      ∀ e ∈ sections.flatten, ∀ f ∈ sections.flatten, e.key = f.key → e = f := by
  constructor
  · intro h e he f hf hk
    refine Decidable.byContradiction fun hne => ?_
    have : f.key ∈ conflicts sections := mem_conflicts.mpr ⟨e, he, f, hf, hk, rfl, hne⟩
    rw [h] at this
    exact absurd this List.not_mem_nil
  · intro h
    refine eq_nil_of_no_mem fun k hk => ?_
    obtain ⟨e, he, f, hf, hek, hfk, hne⟩ := mem_conflicts.mp hk
    exact hne (h e he f hf (hek.trans hfk.symm))

/-- The gluing by its properties: what is some, and what it is. -/
theorem glue_eq_some {sections : List Section} {trace : List Event} :
    glue sections = some trace ↔
      Canonical trace ∧ SameEvents trace sections.flatten := by
  unfold glue
  constructor
  · intro h
    by_cases hc : conflicts sections = []
    · simp only [hc, ↓reduceIte, Option.some.injEq] at h
      subst h
      exact ⟨Order.traceOf_increases (no_conflict_iff.mp hc), Order.mem_traceOf _⟩
    · simp only [hc, ↓reduceIte, reduceCtorEq] at h
  · rintro ⟨hcan, hsame⟩
    have one : Order.OneVersionEach sections.flatten := by
      intro e he f hf hk
      exact strict_injective (rank := fun e : Event => e.key.toNat) hcan e ((hsame e).mpr he)
        f ((hsame f).mpr hf) (congrArg Key.toNat hk)
    have hc := no_conflict_iff.mpr one
    simp only [hc, ↓reduceIte, Option.some.injEq]
    exact Order.eq_of_increasing (Order.traceOf_increases one) hcan
      fun e => (Order.mem_traceOf _ e).trans (hsame e).symm

theorem glue_eq_none {sections : List Section} :
    glue sections = none ↔ conflicts sections ≠ [] := by
  unfold glue
  by_cases hc : conflicts sections = []
  · simp only [hc, ↓reduceIte, reduceCtorEq, ne_eq, not_true_eq_false]
  · simp only [hc, ↓reduceIte, ne_eq, not_false_eq_true]

/-- What is some for both or for neither is equal. -/
theorem option_ext {a b : Option α} (h : ∀ x, a = some x ↔ b = some x) : a = b := by
  cases a with
  | some x => exact ((h x).mp rfl).symm
  | none =>
    cases b with
    | none => rfl
    | some x => exact (h x).mpr rfl

end Omega.Section
