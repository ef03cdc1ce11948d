module

public import Omega.Proof.SectionLemmas

/-! Proofs about sections and their gluing. -/

@[expose] public noncomputable section

namespace Omega

open Section

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

end Omega
