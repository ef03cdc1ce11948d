module

public import Omega.Proof.Invariant

/-!
# Proofs about how the past grows from batch to batch

And witnesses for the claims about batches and the past.
-/

@[expose] public noncomputable section

namespace Omega

open Invariant

/-! ## From batch to batch -/

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

/-! ## Witnesses -/

namespace Invariant

/-- A first event, and one of another node that depends on it. -/
def sampleA : Event := ⟨⟨1, 1, 0, 1⟩, 1500, [], [7]⟩
@[inherit_doc sampleA]
def sampleB : Event := ⟨⟨2, 2, 0, 1⟩, -3, [⟨1, 1, 0, 1⟩], []⟩
/-- The second event with another value. -/
def sampleB' : Event := ⟨⟨2, 2, 0, 1⟩, -4, [⟨1, 1, 0, 1⟩], []⟩
/-- A third event, with a dep that comes after it and one that is nowhere. -/
def sampleC : Event := ⟨⟨3, 1, 0, 2⟩, 0, [⟨2, 3, 0, 9⟩, ⟨9, 2, 0, 7⟩], [8, 9]⟩
/-- An event before the first one in its stream. -/
def sampleD : Event := ⟨⟨0, 1, 0, 1⟩, 0, [], []⟩

/-- An event with nothing wrong but the company it keeps: it depends on the second one. -/
def sampleE : Event := ⟨⟨5, 5, 0, 1⟩, 0, [⟨2, 2, 0, 1⟩], []⟩

/-- The past after the first event. -/
def samplePast : Past := ⟨[sampleA], []⟩

/-- A batch that merges: a copy, and a repeat. -/
def sampleBatch : List Event := [sampleB, sampleA, sampleB]

/-- A batch with obstructions of every kind, and an event that none names. -/
def badBatch : List Event := [sampleB', sampleC, sampleE, sampleB, sampleD]

/-- What stands against it. -/
def badList : List Obstruction :=
  [⟨sampleD.key, .stale, noDep⟩, ⟨sampleB.key, .equivocation, noDep⟩,
    ⟨sampleC.key, .lamport, ⟨9, 2, 0, 7⟩⟩, ⟨sampleC.key, .missingDep, ⟨2, 3, 0, 9⟩⟩]

theorem sample_merges : verdict sampleBatch samplePast = .merge [sampleB] := by decide +kernel

theorem bad_obstructed : verdict badBatch samplePast = .obstructed badList := by decide +kernel

theorem sections_merge :
    verdict (List.flatten [[sampleB, sampleA], [sampleB]]) samplePast = .merge [sampleB] := by
  decide +kernel

theorem same_batch : SameEvents sampleBatch [sampleA, sampleB] := by
  have h1 : ∀ e ∈ sampleBatch, e ∈ [sampleA, sampleB] := by decide +kernel
  have h2 : ∀ e ∈ [sampleA, sampleB], e ∈ sampleBatch := by decide +kernel
  exact fun e => ⟨h1 e, h2 e⟩

theorem same_past : SamePast samplePast ⟨[sampleA, sampleA], []⟩ := by
  have h1 : ∀ e ∈ [sampleA], e ∈ [sampleA, sampleA] := by decide +kernel
  have h2 : ∀ e ∈ [sampleA, sampleA], e ∈ [sampleA] := by decide +kernel
  exact ⟨fun e => ⟨h1 e, h2 e⟩, fun _ => Iff.rfl⟩

theorem history_sample :
    history [[sampleA], badBatch, badBatch] =
      ⟨[sampleA, sampleE], [sampleB', sampleC, sampleB, sampleD]⟩ := by
  decide +kernel

end Invariant

theorem Witness.keys_are_of_one_stream_if_node_and_stream_are_the_same :
    ∃ (_ _ : Key), True :=
  ⟨sampleD.key, sampleA.key, trivial⟩

theorem Witness.the_frontier_is_the_largest_certified_key :
    ∃ (_ : Past), ∃ (_ _ : Key), True :=
  ⟨samplePast, sampleD.key, sampleA.key, trivial⟩

theorem Witness.a_batch_is_merged_if_and_only_if_it_breaks_no_rule :
    ∃ (_ : List Event), ∃ (_ : Past), True :=
  ⟨sampleBatch, samplePast, trivial⟩

theorem Witness.obstructions_are_all_and_only_the_true_ones :
    ∃ (_ : List Event), ∃ (_ : Past), ∃ (_ : Obstruction), True :=
  ⟨badBatch, samplePast, ⟨sampleB.key, .equivocation, noDep⟩, trivial⟩

theorem Witness.obstructions_are_told_once_and_in_order :
    ∃ (_ : List Event), ∃ (_ : Past), True :=
  ⟨badBatch, samplePast, trivial⟩

theorem Witness.a_refusal_names_all_obstructions_and_at_least_one :
    ∃ (_ : List Event), ∃ (_ : Past), ∃ (_ : List Obstruction), True :=
  ⟨badBatch, samplePast, badList, trivial⟩

theorem Witness.a_merge_has_exactly_the_new_events :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), ∃ (_ : Event), True :=
  ⟨_, _, _, sample_merges, sampleB, trivial⟩

theorem Witness.a_merge_is_in_canonical_order :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), True :=
  ⟨_, _, _, sample_merges, trivial⟩

theorem Witness.a_merge_brings_only_keys_new_to_the_past :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), ∃ (e : Event), ∃ (_ : e ∈ trace), True :=
  ⟨_, _, _, sample_merges, sampleB, by decide +kernel, trivial⟩

theorem Witness.a_merge_is_a_gluing :
    ∃ (sections : List Section), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict sections.flatten past = .merge trace), True :=
  ⟨_, _, _, sections_merge, trivial⟩

theorem Witness.a_verdict_depends_on_the_set_of_events_alone :
    ∃ (a b : List Event), ∃ (p q : Past), ∃ (_ : SameEvents a b), ∃ (_ : SamePast p q), True :=
  ⟨_, _, _, _, same_batch, same_past, trivial⟩

theorem Witness.the_count_of_events_depends_on_the_set_of_events_alone :
    ∃ (a b : List Event), ∃ (p q : Past), ∃ (_ : SameEvents a b), ∃ (_ : SamePast p q), True :=
  ⟨_, _, _, _, same_batch, same_past, trivial⟩

theorem Witness.the_count_of_repeats_depends_on_the_set_of_events_alone :
    ∃ (a b : List Event), ∃ (p q : Past), ∃ (_ : SameEvents a b), ∃ (_ : SamePast p q), True :=
  ⟨_, _, _, _, same_batch, same_past, trivial⟩

theorem Witness.events_duplicates_and_repeats_are_the_frames :
    ∃ (_ : List Event), ∃ (_ : Past), True :=
  ⟨sampleBatch, samplePast, trivial⟩

theorem Witness.a_merge_has_as_many_events_as_are_counted :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), True :=
  ⟨_, _, _, sample_merges, trivial⟩

theorem Witness.a_merge_certifies_its_trace_and_nothing_else :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), True :=
  ⟨_, _, _, sample_merges, trivial⟩

theorem Witness.a_batch_of_past_events_gives_only_repeats :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (_ : ∀ e ∈ batch, e ∈ past.events), True :=
  ⟨[sampleA, sampleB, sampleA], ⟨[sampleA], [sampleB]⟩, by decide +kernel, trivial⟩

theorem Witness.a_batch_merged_before_gives_only_repeats :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (trace : List Event),
      ∃ (_ : verdict batch past = .merge trace), True :=
  ⟨_, _, _, sample_merges, trivial⟩

theorem Witness.what_no_obstruction_names_merges_at_the_next_height :
    ∃ (batch : List Event), ∃ (past : Past), ∃ (list : List Obstruction),
      ∃ (_ : verdict batch past = .obstructed list), True :=
  ⟨_, _, _, bad_obstructed, trivial⟩

theorem Witness.every_stream_is_certified_in_increasing_order :
    ∃ (_ : List (List Event)), True :=
  ⟨[[sampleA], badBatch, badBatch], trivial⟩

theorem Witness.no_key_is_certified_twice : ∃ (_ : List (List Event)), True :=
  ⟨[[sampleA], badBatch, badBatch], trivial⟩

theorem Witness.every_dep_of_a_certified_event_is_in_the_past :
    ∃ (batches : List (List Event)), ∃ (e : Event), ∃ (d : Key),
      ∃ (_ : e ∈ (history batches).certified), ∃ (_ : d ∈ e.deps), True :=
  ⟨[[sampleA], badBatch, badBatch], sampleE, sampleB.key,
    by rw [history_sample]; decide +kernel, by decide +kernel, trivial⟩

theorem Witness.certified_events_stay_certified : ∃ (_ : Past), ∃ (_ : List Event), True :=
  ⟨samplePast, sampleBatch, trivial⟩

theorem Witness.quarantined_events_stay_quarantined : ∃ (_ : Past), ∃ (_ : List Event), True :=
  ⟨samplePast, badBatch, trivial⟩

end Omega
