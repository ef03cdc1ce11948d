module

public import Omega.Spec.Invariant

/-! Witnesses that the hypotheses of the claims about batches and the past can hold. -/

@[expose] public noncomputable section

namespace Omega

open Invariant

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
