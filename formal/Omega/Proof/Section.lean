module

public import Omega.Spec.Section
public import Omega.Proof.Order

/-! # Proofs about sections and their gluing -/

@[expose] public noncomputable section

namespace Omega.Section

variable {α : Type}

/-! ## Sorted lists without copies, and what holds a key -/

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

/-! ### Keys held, keys disputed -/

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

namespace Omega

open Section

/-! ## Sections and their gluing -/

/-- Agreement of all sections is agreement of all their events. -/
theorem Section.agree_iff {sections : List Section} :
    (∀ a ∈ sections, ∀ b ∈ sections, Agree a b) ↔
      ∀ e ∈ sections.flatten, ∀ f ∈ sections.flatten, e.key = f.key → e = f := by
  constructor
  · intro h e he f hf
    obtain ⟨a, ha, he⟩ := List.mem_flatten.mp he
    obtain ⟨b, hb, hf⟩ := List.mem_flatten.mp hf
    exact h a ha b hb e he f hf
  · intro h a ha b hb e he f hf
    exact h e (List.mem_flatten.mpr ⟨a, ha, he⟩) f (List.mem_flatten.mpr ⟨b, hb, hf⟩)

/-- A gluing is the sections' events in canonical order. -/
theorem Section.isGluing_iff {sections : List Section} {trace : List Event} :
    IsGluing sections trace ↔ Canonical trace ∧ SameEvents trace sections.flatten := by
  constructor
  · rintro ⟨hcan, hcov, hres⟩
    refine ⟨hcan, fun e => ⟨fun he => ?_, fun he => ?_⟩⟩
    · have hk : holds trace e.key = true := holds_iff.mpr ⟨e, he, rfl⟩
      rw [hcov] at hk
      obtain ⟨s, hs, hk⟩ := List.any_eq_true.mp hk
      have he : e ∈ restrict trace s.holds := mem_restrict.mpr ⟨he, hk⟩
      exact List.mem_flatten.mpr ⟨s, hs, (hres s hs e).mp he⟩
    · obtain ⟨s, hs, he⟩ := List.mem_flatten.mp he
      exact (mem_restrict.mp ((hres s hs e).mpr he)).1
  · rintro ⟨hcan, hsame⟩
    refine ⟨hcan, fun k => ?_, fun s hs e => ?_⟩
    · rw [Bool.eq_iff_iff, holds_iff, List.any_eq_true]
      constructor
      · rintro ⟨e, he, hk⟩
        obtain ⟨s, hs, he⟩ := List.mem_flatten.mp ((hsame e).mp he)
        exact ⟨s, hs, holds_iff.mpr ⟨e, he, hk⟩⟩
      · rintro ⟨s, hs, hk⟩
        obtain ⟨e, he, hk⟩ := holds_iff.mp hk
        exact ⟨e, (hsame e).mpr (List.mem_flatten.mpr ⟨s, hs, he⟩), hk⟩
    · constructor
      · intro he
        obtain ⟨he, hk⟩ := mem_restrict.mp he
        obtain ⟨f, hf, hk⟩ := holds_iff.mp hk
        have hf' : f ∈ trace := (hsame f).mpr (List.mem_flatten.mpr ⟨s, hs, hf⟩)
        have hef : f = e := strict_injective (rank := fun e : Event => e.key.toNat) hcan
          f hf' e he (congrArg Key.toNat hk)
        exact hef ▸ hf
      · intro he
        exact mem_restrict.mpr
          ⟨(hsame e).mpr (List.mem_flatten.mpr ⟨s, hs, he⟩), holds_iff.mpr ⟨e, he, rfl⟩⟩

theorem Proof.glue_finds_the_gluing_wherever_there_is_one :
    Claim.glue_finds_the_gluing_wherever_there_is_one :=
  fun _ _ => glue_eq_some.trans isGluing_iff.symm

theorem Proof.a_failed_gluing_names_a_conflict : Claim.a_failed_gluing_names_a_conflict :=
  fun _ => glue_eq_none

theorem Proof.sections_that_agree_have_exactly_one_gluing :
    Claim.sections_that_agree_have_exactly_one_gluing := by
  intro sections agree
  have hc := no_conflict_iff.mpr (agree_iff.mp agree)
  obtain ⟨trace, h⟩ : ∃ trace, glue sections = some trace := by
    unfold glue
    simp only [hc, ↓reduceIte]
    exact ⟨_, rfl⟩
  refine ⟨trace, isGluing_iff.mpr (glue_eq_some.mp h), fun other ho => ?_⟩
  have := glue_eq_some.mpr (isGluing_iff.mp ho)
  rw [h] at this
  exact (Option.some.inj this).symm

theorem Proof.sections_that_disagree_have_no_gluing :
    Claim.sections_that_disagree_have_no_gluing := by
  rintro sections a b ha hb hab ⟨trace, h⟩
  have h := glue_eq_some.mpr (isGluing_iff.mp h)
  have hc : conflicts sections = [] :=
    Decidable.byContradiction fun hc => by
      rw [glue_eq_none.mpr hc] at h
      exact absurd h (by simp only [reduceCtorEq, not_false_eq_true])
  exact hab (agree_iff.mpr (no_conflict_iff.mp hc) a ha b hb)

theorem Section.mem_holdersFrom {k : Key} {i : Nat} {e : Event} {sections : List Section} :
    ∀ {start : Nat}, (i, e) ∈ holdersFrom start k sections ↔
      e.key = k ∧ start ≤ i ∧ ∃ s, sections[i - start]? = some s ∧ e ∈ s := by
  induction sections with
  | nil =>
    intro start
    simp only [holdersFrom, List.not_mem_nil, List.getElem?_nil, reduceCtorEq, false_and,
      exists_const, and_false]
  | cons s rest ih =>
    intro start
    unfold holdersFrom
    rw [List.mem_append, ih, List.mem_map]
    constructor
    · rintro (⟨f, hf, hp⟩ | ⟨hk, hi, t, ht, he⟩)
      · obtain ⟨rfl, rfl⟩ := Prod.mk.inj hp
        obtain ⟨hf, hk⟩ := List.mem_filter.mp hf
        refine ⟨of_decide_eq_true hk, Nat.le_refl _, s, ?_, hf⟩
        rw [Nat.sub_self]; rfl
      · refine ⟨hk, by omega, t, ?_, he⟩
        have : i - start = (i - (start + 1)) + 1 := by omega
        rw [this]; exact ht
    · rintro ⟨hk, hi, t, ht, he⟩
      by_cases hz : i = start
      · subst hz
        rw [Nat.sub_self] at ht
        have : s = t := Option.some.inj ht
        subst this
        exact Or.inl ⟨e, List.mem_filter.mpr ⟨he, decide_eq_true hk⟩, rfl⟩
      · have : i - start = (i - (start + 1)) + 1 := by omega
        rw [this] at ht
        exact Or.inr ⟨hk, by omega, t, ht, he⟩

theorem Proof.the_holders_of_a_key_hold_it : Claim.the_holders_of_a_key_hold_it := by
  intro sections k place e
  unfold holders
  rw [mem_holdersFrom]
  constructor
  · rintro ⟨hk, _, h⟩; exact ⟨hk, h⟩
  · rintro ⟨hk, h⟩; exact ⟨hk, Nat.zero_le _, h⟩

/-- What has a holder is in the sections. -/
theorem Section.exists_holder {sections : List Section} {k : Key} {e : Event} :
    (∃ i, (i, e) ∈ holders sections k) ↔ e ∈ sections.flatten ∧ e.key = k := by
  constructor
  · rintro ⟨i, h⟩
    obtain ⟨hk, s, hs, he⟩ := (Proof.the_holders_of_a_key_hold_it _ _ _ _).mp h
    exact ⟨List.mem_flatten.mpr ⟨s, List.mem_of_getElem? hs, he⟩, hk⟩
  · rintro ⟨he, hk⟩
    obtain ⟨s, hs, he⟩ := List.mem_flatten.mp he
    obtain ⟨i, hi⟩ := List.mem_iff_getElem?.mp hs
    exact ⟨i, (Proof.the_holders_of_a_key_hold_it _ _ _ _).mpr ⟨hk, s, hi, he⟩⟩

theorem Proof.conflicts_are_all_and_only_the_real_ones :
    Claim.conflicts_are_all_and_only_the_real_ones := by
  intro sections k
  rw [mem_conflicts]
  constructor
  · rintro ⟨e, he, f, hf, hek, hfk, hne⟩
    obtain ⟨i, hi⟩ := exists_holder.mpr ⟨he, hek⟩
    obtain ⟨j, hj⟩ := exists_holder.mpr ⟨hf, hfk⟩
    exact ⟨_, hi, _, hj, hne⟩
  · rintro ⟨⟨i, e⟩, hi, ⟨j, f⟩, hj, hne⟩
    obtain ⟨he, hek⟩ := exists_holder.mp ⟨i, hi⟩
    obtain ⟨hf, hfk⟩ := exists_holder.mp ⟨j, hj⟩
    exact ⟨e, he, f, hf, hek, hfk, hne⟩

theorem Proof.conflicts_are_named_once_and_in_order :
    Claim.conflicts_are_named_once_and_in_order :=
  fun _ => strict_keys _

theorem Proof.a_gluing_has_the_events_of_its_sections :
    Claim.a_gluing_has_the_events_of_its_sections :=
  fun _ _ h => (glue_eq_some.mp h).2

theorem Proof.events_and_copies_are_what_was_read :
    Claim.events_and_copies_are_what_was_read := by
  intro sections trace h
  obtain ⟨hcan, hsame⟩ := glue_eq_some.mp h
  rw [length_eq (canonical_differ hcan) hsame]
  exact length_distinct _

theorem Proof.a_gluing_depends_on_the_set_of_events_alone :
    Claim.a_gluing_depends_on_the_set_of_events_alone := by
  intro a b same
  refine option_ext fun trace => ?_
  rw [glue_eq_some, glue_eq_some]
  constructor
  · rintro ⟨hc, hs⟩; exact ⟨hc, fun e => (hs e).trans (same e)⟩
  · rintro ⟨hc, hs⟩; exact ⟨hc, fun e => (hs e).trans (same e).symm⟩

theorem Proof.conflicts_depend_on_the_set_of_events_alone :
    Claim.conflicts_depend_on_the_set_of_events_alone := by
  intro a b same
  refine strict_unique (rank := Key.toNat) (strict_keys _) (strict_keys _) fun k => ?_
  have ha := mem_conflicts (sections := a) (k := k)
  have hb := mem_conflicts (sections := b) (k := k)
  refine ha.trans (Iff.trans ?_ hb.symm)
  constructor
  · rintro ⟨e, he, f, hf, h⟩; exact ⟨e, (same e).mp he, f, (same f).mp hf, h⟩
  · rintro ⟨e, he, f, hf, h⟩; exact ⟨e, (same e).mpr he, f, (same f).mpr hf, h⟩

/-- Lists with the same sections have the same events. -/
theorem Section.same_flatten {a b : List Section} (h : ∀ s, s ∈ a ↔ s ∈ b) :
    SameEvents a.flatten b.flatten := by
  intro e
  rw [List.mem_flatten, List.mem_flatten]
  constructor
  · rintro ⟨s, hs, he⟩; exact ⟨s, (h s).mp hs, he⟩
  · rintro ⟨s, hs, he⟩; exact ⟨s, (h s).mpr hs, he⟩

theorem Proof.gluing_is_commutative : Claim.gluing_is_commutative := fun _ _ h =>
  Proof.a_gluing_depends_on_the_set_of_events_alone _ _ (same_flatten fun _ => h.mem_iff)

theorem Proof.a_section_given_again_changes_nothing :
    Claim.a_section_given_again_changes_nothing := by
  intro sections s hs
  refine Proof.a_gluing_depends_on_the_set_of_events_alone _ _ (same_flatten fun t => ?_)
  rw [List.mem_cons]
  constructor
  · rintro (rfl | h) <;> assumption
  · exact Or.inr

theorem Proof.gluing_is_idempotent : Claim.gluing_is_idempotent := fun s =>
  Proof.a_section_given_again_changes_nothing [s] s List.mem_cons_self

theorem Proof.further_sections_settle_no_conflict :
    Claim.further_sections_settle_no_conflict := by
  intro sections others k hk
  obtain ⟨e, he, f, hf, h⟩ := mem_conflicts.mp hk
  rw [mem_conflicts, List.flatten_append]
  exact ⟨e, List.mem_append_left _ he, f, List.mem_append_left _ hf, h⟩

theorem Proof.gluing_in_steps_is_gluing_at_once : Claim.gluing_in_steps_is_gluing_at_once := by
  intro first others
  cases h : glue first with
  | none =>
    have hc : ∃ k, k ∈ conflicts first := by
      cases hl : conflicts first with
      | nil => exact absurd hl (glue_eq_none.mp h)
      | cons k _ => exact ⟨k, List.mem_cons_self⟩
    obtain ⟨k, hk⟩ := hc
    have := Proof.further_sections_settle_no_conflict first others k hk
    refine (glue_eq_none.mpr fun hn => ?_).symm
    rw [hn] at this
    exact absurd this List.not_mem_nil
  | some trace =>
    refine Proof.a_gluing_depends_on_the_set_of_events_alone (trace :: others) _ fun e => ?_
    rw [List.flatten_cons, List.flatten_append, List.mem_append, List.mem_append,
      (glue_eq_some.mp h).2 e]

theorem Proof.gluing_is_associative : Claim.gluing_is_associative := by
  intro a b c
  have left := Proof.gluing_in_steps_is_gluing_at_once [a, b] [c]
  have right := Proof.gluing_in_steps_is_gluing_at_once [b, c] [a]
  have turn : (fun bc => glue [bc, a]) = (fun bc => glue [a, bc]) :=
    funext fun bc => Proof.gluing_is_commutative _ _ (List.Perm.swap a bc [])
  rw [left, ← turn, right]
  refine Proof.gluing_is_commutative _ _ ?_
  exact (List.perm_append_comm (l₁ := [a]) (l₂ := [b, c]))

theorem Proof.a_trace_glues_to_itself : Claim.a_trace_glues_to_itself := by
  intro sections trace h
  refine glue_eq_some.mpr ⟨(glue_eq_some.mp h).1, fun e => ?_⟩
  simp only [List.flatten_cons, List.flatten_nil, List.append_nil]

theorem Proof.restricting_in_steps_is_restricting_at_once :
    Claim.restricting_in_steps_is_restricting_at_once := by
  intro s p q
  unfold restrict
  rw [List.filter_filter]
  refine congrArg (List.filter · s) (funext fun e => Bool.and_comm _ _)

theorem Proof.a_gluing_restricted_is_the_gluing_of_the_restricted :
    Claim.a_gluing_restricted_is_the_gluing_of_the_restricted := by
  intro sections keys trace h
  obtain ⟨hcan, hsame⟩ := glue_eq_some.mp h
  refine glue_eq_some.mpr ⟨List.Pairwise.filter _ hcan, fun e => ?_⟩
  rw [mem_restrict, hsame e, List.mem_flatten, List.mem_flatten]
  constructor
  · rintro ⟨⟨s, hs, he⟩, hk⟩
    exact ⟨restrict s keys, List.mem_map.mpr ⟨s, hs, rfl⟩, mem_restrict.mpr ⟨he, hk⟩⟩
  · rintro ⟨t, ht, he⟩
    obtain ⟨s, hs, rfl⟩ := List.mem_map.mp ht
    obtain ⟨he, hk⟩ := mem_restrict.mp he
    exact ⟨⟨s, hs, he⟩, hk⟩

/-! ## Witnesses -/

namespace Section

/-- An event of node 1, one of node 2 that depends on it, another version of that one, and a third
event. -/
def sampleA : Event := ⟨⟨1, 1, 0, 1⟩, 1500, [], [7]⟩
@[inherit_doc sampleA]
def sampleB : Event := ⟨⟨2, 2, 0, 1⟩, -3, [⟨1, 1, 0, 1⟩], []⟩
@[inherit_doc sampleA]
def sampleB' : Event := ⟨⟨2, 2, 0, 1⟩, -4, [⟨1, 1, 0, 1⟩], []⟩
@[inherit_doc sampleA]
def sampleC : Event := ⟨⟨3, 1, 0, 2⟩, 0, [⟨1, 1, 0, 1⟩, ⟨2, 2, 0, 1⟩], [8, 9]⟩

/-- Two sections that overlap in one event, and a third that disagrees with both. -/
def sampleSections : List Section := [[sampleB, sampleA], [sampleB, sampleC]]
@[inherit_doc sampleSections]
def sampleDissent : Section := [sampleC, sampleB']

theorem glue_samples : glue sampleSections = some [sampleA, sampleB, sampleC] := by
  decide +kernel

theorem sameEvents_of {a b : List Event} (hab : ∀ e ∈ a, e ∈ b) (hba : ∀ e ∈ b, e ∈ a) :
    SameEvents a b := fun e => ⟨hab e, hba e⟩

theorem same_samples :
    SameEvents sampleSections.flatten (List.flatten [[sampleC], [sampleA, sampleB, sampleA]]) :=
  sameEvents_of (by decide +kernel) (by decide +kernel)

end Section

theorem Witness.sections_that_agree_have_exactly_one_gluing :
    ∃ (sections : List Section), ∃ (_ : ∀ a ∈ sections, ∀ b ∈ sections, Agree a b), True :=
  ⟨sampleSections, by unfold Agree; decide +kernel, trivial⟩

theorem Witness.sections_that_disagree_have_no_gluing :
    ∃ (sections : List Section), ∃ (a b : Section), ∃ (_ : a ∈ sections), ∃ (_ : b ∈ sections),
      ∃ (_ : ¬ Agree a b), True :=
  ⟨sampleDissent :: sampleSections, sampleDissent, [sampleB, sampleA], by decide +kernel,
    by decide +kernel, by unfold Agree; decide +kernel, trivial⟩

theorem Witness.glue_finds_the_gluing_wherever_there_is_one :
    ∃ (_ : List Section), ∃ (_ : List Event), True :=
  ⟨sampleSections, [sampleA, sampleB, sampleC], trivial⟩

theorem Witness.a_failed_gluing_names_a_conflict : ∃ (_ : List Section), True :=
  ⟨sampleDissent :: sampleSections, trivial⟩

theorem Witness.conflicts_are_all_and_only_the_real_ones :
    ∃ (_ : List Section), ∃ (_ : Key), True :=
  ⟨sampleDissent :: sampleSections, sampleB.key, trivial⟩

theorem Witness.the_holders_of_a_key_hold_it :
    ∃ (_ : List Section), ∃ (_ : Key), ∃ (_ : Nat), ∃ (_ : Event), True :=
  ⟨sampleDissent :: sampleSections, sampleB.key, 2, sampleB, trivial⟩

theorem Witness.conflicts_are_named_once_and_in_order : ∃ (_ : List Section), True :=
  ⟨sampleDissent :: sampleSections, trivial⟩

theorem Witness.a_gluing_has_the_events_of_its_sections :
    ∃ (sections : List Section), ∃ (trace : List Event), ∃ (_ : glue sections = some trace), True :=
  ⟨_, _, glue_samples, trivial⟩

theorem Witness.events_and_copies_are_what_was_read :
    ∃ (sections : List Section), ∃ (trace : List Event), ∃ (_ : glue sections = some trace), True :=
  ⟨_, _, glue_samples, trivial⟩

theorem Witness.a_gluing_depends_on_the_set_of_events_alone :
    ∃ (a b : List Section), ∃ (_ : SameEvents a.flatten b.flatten), True :=
  ⟨_, _, same_samples, trivial⟩

theorem Witness.conflicts_depend_on_the_set_of_events_alone :
    ∃ (a b : List Section), ∃ (_ : SameEvents a.flatten b.flatten), True :=
  ⟨_, _, same_samples, trivial⟩

theorem Witness.gluing_is_commutative : ∃ (a b : List Section), ∃ (_ : a.Perm b), True :=
  ⟨[[sampleA], sampleDissent], [sampleDissent, [sampleA]], List.Perm.swap _ _ _, trivial⟩

theorem Witness.gluing_is_associative : ∃ (_ _ _ : Section), True :=
  ⟨[sampleB, sampleA], [sampleB, sampleC], sampleDissent, trivial⟩

theorem Witness.gluing_in_steps_is_gluing_at_once : ∃ (_ _ : List Section), True :=
  ⟨sampleSections, [sampleDissent], trivial⟩

theorem Witness.gluing_is_idempotent : ∃ (_ : Section), True :=
  ⟨[sampleB, sampleA], trivial⟩

theorem Witness.a_section_given_again_changes_nothing :
    ∃ (sections : List Section), ∃ (s : Section), ∃ (_ : s ∈ sections), True :=
  ⟨sampleSections, [sampleB, sampleA], by decide +kernel, trivial⟩

theorem Witness.a_trace_glues_to_itself :
    ∃ (sections : List Section), ∃ (trace : List Event), ∃ (_ : glue sections = some trace), True :=
  ⟨_, _, glue_samples, trivial⟩

theorem Witness.further_sections_settle_no_conflict :
    ∃ (sections _ : List Section), ∃ (k : Key), ∃ (_ : k ∈ conflicts sections), True :=
  ⟨sampleDissent :: sampleSections, [[sampleA]], sampleB.key, by decide +kernel, trivial⟩

theorem Witness.restricting_in_steps_is_restricting_at_once :
    ∃ (_ : Section), ∃ (_ _ : Key → Bool), True :=
  ⟨[sampleB, sampleA], fun k => k.node = 1, fun k => k.lamport = 2, trivial⟩

theorem Witness.a_gluing_restricted_is_the_gluing_of_the_restricted :
    ∃ (sections : List Section), ∃ (_ : Key → Bool), ∃ (trace : List Event),
      ∃ (_ : glue sections = some trace), True :=
  ⟨_, fun k => k.node = 1, _, glue_samples, trivial⟩

end Omega
