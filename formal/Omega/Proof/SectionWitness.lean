module

public import Omega.Spec.Section

/-! Witnesses that the hypotheses of the claims about sections can hold. -/

@[expose] public noncomputable section

namespace Omega

open Section

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
