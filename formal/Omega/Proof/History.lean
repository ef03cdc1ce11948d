module

public import Omega.Proof.Invariant

/-! Proofs about how the past grows from batch to batch. -/

@[expose] public noncomputable section

namespace Omega

open Invariant

namespace Invariant

theorem after_merge {past : Past} {batch : List Event} {trace : List Event}
    (h : verdict batch past = .merge trace) :
    past.after batch = ⟨past.certified ++ trace, past.quarantined⟩ := by
  unfold Past.after
  rw [h]

theorem after_obstructed {past : Past} {batch : List Event} {list : List Obstruction}
    (h : verdict batch past = .obstructed list) :
    past.after batch = ⟨past.certified, past.quarantined ++
      (newEvents batch past).filter (fun e => list.any (fun o => o.key = e.key))⟩ := by
  unfold Past.after
  rw [h]

theorem mem_events {past : Past} {e : Event} :
    e ∈ past.events ↔ e ∈ past.certified ∨ e ∈ past.quarantined := List.mem_append

/-- What holds of the empty past and is kept by each batch holds of every history. -/
theorem history_induction {P : Past → Prop} (first : P Past.empty)
    (next : ∀ past batch, P past → P (past.after batch)) (batches : List (List Event)) :
    P (history batches) := by
  have all : ∀ (batches : List (List Event)) (past : Past), P past →
      P (batches.foldl Past.after past) := by
    intro batches
    induction batches with
    | nil => exact fun _ h => h
    | cons batch rest ih => exact fun past h => ih _ (next past batch h)
  exact all batches _ first

end Invariant

theorem Proof.a_merge_certifies_its_trace_and_nothing_else :
    Claim.a_merge_certifies_its_trace_and_nothing_else :=
  fun _ _ _ h => after_merge h

theorem Proof.a_batch_of_past_events_gives_only_repeats :
    Claim.a_batch_of_past_events_gives_only_repeats := by
  intro batch past hall
  have hnew : newEvents batch past = [] :=
    Section.eq_nil_of_no_mem fun e he => (mem_newEvents.mp he).2 (hall e (mem_newEvents.mp he).1)
  have no : ∀ e, ¬ IsNew batch past e := fun e he => he.2 (hall e he.1)
  have hnone : obstructions batch past = [] := rules_iff.mpr
    ⟨fun e he => absurd he (no e), fun e he => absurd he (no e), fun e he => absurd he (no e),
      fun e he => absurd he (no e)⟩
  have hrep : repeated batch past = batch :=
    List.filter_eq_self.mpr fun e he => decide_eq_true (hall e he)
  have hverdict : verdict batch past = .merge [] := by
    refine verdict_eq_merge.mpr ⟨hnone, ?_⟩
    rw [hnew]
    rfl
  unfold reconcile
  rw [hverdict, hrep, hnew]
  rfl

theorem Proof.a_batch_merged_before_gives_only_repeats :
    Claim.a_batch_merged_before_gives_only_repeats := by
  intro batch past trace h
  refine Proof.a_batch_of_past_events_gives_only_repeats batch _ fun e he => ?_
  rw [after_merge h, mem_events]
  by_cases hin : e ∈ past.events
  · exact (mem_events.mp hin).elim (fun h => Or.inl (List.mem_append_left _ h)) Or.inr
  · exact Or.inl (List.mem_append_right _ (((merge_trace h).2 e).mpr ⟨he, hin⟩))

theorem Proof.what_no_obstruction_names_merges_at_the_next_height :
    Claim.what_no_obstruction_names_merges_at_the_next_height := by
  intro batch past list h
  obtain ⟨hlist, hne⟩ := verdict_eq_obstructed.mp h
  have hafter := after_obstructed h
  have named : ∀ o, IsObstruction batch past o ↔ o ∈ list := fun o => by
    rw [hlist]; exact mem_obstructions.symm
  -- An event is in the past after if it was before, or if it is new and its key is named.
  have hevents : ∀ e, e ∈ (past.after batch).events ↔
      e ∈ past.events ∨ (IsNew batch past e ∧ ∃ o ∈ list, o.key = e.key) := by
    intro e
    rw [hafter, mem_events, mem_events, List.mem_append, List.mem_filter, mem_newEvents,
      List.any_eq_true]
    simp only [decide_eq_true_eq]
    exact or_assoc.symm
  have hnew : ∀ e, IsNew batch (past.after batch) e ↔
      IsNew batch past e ∧ ∀ o ∈ list, o.key ≠ e.key := by
    intro e
    constructor
    · rintro ⟨he, hn⟩
      have hold : IsNew batch past e := ⟨he, fun hin => hn ((hevents e).mpr (Or.inl hin))⟩
      exact ⟨hold, fun o ho hk => hn ((hevents e).mpr (Or.inr ⟨hold, o, ho, hk⟩))⟩
    · rintro ⟨hold, hfree⟩
      refine ⟨hold.1, fun hin => ?_⟩
      rcases (hevents e).mp hin with hin | ⟨_, o, ho, hk⟩
      · exact hold.2 hin
      · exact hfree o ho hk
  have all := fun e (he : IsNew batch (past.after batch) e) =>
    unnamed ((hnew e).mp he).1 fun o ho => ((hnew e).mp he).2 o ((named o).mp ho)
  have hnone : obstructions batch (past.after batch) = [] := by
    refine rules_iff.mpr ⟨fun e he => ⟨fun f hf hk => ?_, (all e he).2.1⟩,
      fun e he => (all e he).2.2.1, fun e he d hd => ?_, fun e he f hf hs => ?_⟩
    · rcases (hevents f).mp hf with hf | ⟨_, o, ho, hk'⟩
      · exact (all e he).1 ⟨f, hf, hk⟩
      · exact ((hnew e).mp he).2 o ho (hk'.trans hk)
    · refine ((all e he).2.2.2.1 d hd).imp id ?_
      rintro ⟨f, hf, hk⟩
      exact ⟨f, (hevents f).mpr (Or.inl hf), hk⟩
    · rw [hafter] at hf
      exact (all e he).2.2.2.2 f hf hs
  obtain ⟨trace, ht⟩ := exists_merge.mpr hnone
  exact ⟨trace, ht, fun e => ((merge_trace ht).2 e).trans (hnew e)⟩

theorem Proof.every_stream_is_certified_in_increasing_order :
    Claim.every_stream_is_certified_in_increasing_order := by
  refine history_induction
    (P := fun past => past.certified.Pairwise (fun a b => sameStream a.key b.key → a.key < b.key))
    List.Pairwise.nil fun past batch ih => ?_
  cases h : verdict batch past with
  | obstructed list => rw [after_obstructed h]; exact ih
  | merge trace =>
    rw [after_merge h]
    obtain ⟨hcan, hmem⟩ := merge_trace h
    have hstream : trace.Pairwise (fun a b => sameStream a.key b.key → a.key < b.key) := by
      refine List.Pairwise.imp ?_ hcan
      intro a b hlt _
      exact hlt
    refine List.pairwise_append.mpr ⟨ih, hstream, ?_⟩
    intro a ha b hb hs
    exact (rules_iff.mp (verdict_eq_merge.mp h).1).2.2.2 b ((hmem b).mp hb) a ha (sameStream_symm hs)

theorem Proof.no_key_is_certified_twice : Claim.no_key_is_certified_twice := by
  intro batches
  refine (Proof.every_stream_is_certified_in_increasing_order batches).imp ?_
  intro a b h hk
  have hlt := h (hk ▸ sameStream_self a.key)
  rw [hk] at hlt
  exact Nat.lt_irrefl _ hlt

theorem Proof.every_dep_of_a_certified_event_is_in_the_past :
    Claim.every_dep_of_a_certified_event_is_in_the_past := by
  intro batches e d he hd
  have all := history_induction
    (P := fun past => ∀ e ∈ past.certified, ∀ d ∈ e.deps,
      d.lamport < e.key.lamport ∧ InPast past d)
    (fun _ h => absurd h List.not_mem_nil) (fun past batch ih => ?_) batches
  · exact all e he d hd
  · cases h : verdict batch past with
    | obstructed list =>
      rw [after_obstructed h]
      intro e he d hd
      obtain ⟨hl, f, hf, hk⟩ := ih e he d hd
      refine ⟨hl, f, mem_events.mpr ?_, hk⟩
      exact (mem_events.mp hf).imp id (List.mem_append_left _)
    | merge trace =>
      rw [after_merge h]
      obtain ⟨_, hmem⟩ := merge_trace h
      obtain ⟨_, causal, complete, _⟩ := rules_iff.mp (verdict_eq_merge.mp h).1
      have grows : ∀ d, InPast past d → InPast ⟨past.certified ++ trace, past.quarantined⟩ d := by
        rintro d ⟨f, hf, hk⟩
        exact ⟨f, mem_events.mpr ((mem_events.mp hf).imp (List.mem_append_left _) id), hk⟩
      intro e he d hd
      rcases List.mem_append.mp he with he | he
      · exact ⟨(ih e he d hd).1, grows d (ih e he d hd).2⟩
      · have hnew := (hmem e).mp he
        refine ⟨causal e hnew d hd, ?_⟩
        rcases complete e hnew d hd with ⟨f, hf, hk⟩ | hp
        · by_cases hin : f ∈ past.events
          · exact grows d ⟨f, hin, hk⟩
          · exact ⟨f, mem_events.mpr (Or.inl
              (List.mem_append_right _ ((hmem f).mpr ⟨hf, hin⟩))), hk⟩
        · exact grows d hp

theorem Proof.certified_events_stay_certified : Claim.certified_events_stay_certified := by
  intro past batch
  cases h : verdict batch past with
  | obstructed list => rw [after_obstructed h]; exact List.prefix_refl _
  | merge trace => rw [after_merge h]; exact List.prefix_append _ _

theorem Proof.quarantined_events_stay_quarantined :
    Claim.quarantined_events_stay_quarantined := by
  intro past batch
  cases h : verdict batch past with
  | obstructed list => rw [after_obstructed h]; exact List.prefix_append _ _
  | merge trace => rw [after_merge h]; exact List.prefix_refl _

end Omega
