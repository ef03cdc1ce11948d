module

public import Omega.Spec.Order

/-!
# Sections and their gluing

Clauses SEC-1 to SEC-4 and GLU-1 to GLU-4 of `spec/rules.md`; `impl/kernel/section` is the program.

A section assigns events to keys: it is a partial function from keys to events, told by the list of
the events that it holds. A file may hold copies and be out of order, so the list may too. Two
sections overlap in the keys that both hold. A gluing of sections is one section over all their
keys which, restricted to the keys of any of them, is that one again. The sheaf condition says
that sections which agree where they overlap have exactly one gluing. As each gluing has one
canonical form, the list of its events with increasing keys, "exactly one" is meant of lists.
-/

@[expose] public noncomputable section

namespace Omega

/-- A section: the events of one `.omega` file, in file order, copies included. -/
abbrev Section := List Event

/-- Two lists hold the same events, in whatever order and number. -/
def SameEvents (a b : List Event) : Prop := ∀ e, e ∈ a ↔ e ∈ b

/-- Events are in canonical order, each once, if their keys increase (ORD-1). -/
def Canonical (trace : List Event) : Prop := trace.Pairwise (fun a b => a.key < b.key)

namespace Section

/-- Whether a section holds a key. -/
def holds (s : Section) (k : Key) : Bool := s.any (fun e => e.key = k)

/-- The section over those keys only for which `keys` says so. -/
def restrict (s : Section) (keys : Key → Bool) : Section := s.filter (fun e => keys e.key)

/-- Two sections agree on their overlap: for a key that both hold, both hold the same event (GLU-1).
A section agrees with itself if it holds no two versions of one key. -/
def Agree (a b : Section) : Prop := ∀ e ∈ a, ∀ f ∈ b, e.key = f.key → e = f

/-- What it is to be a gluing of sections. -/
structure IsGluing (sections : List Section) (trace : List Event) : Prop where
  /-- Its events are in canonical order. -/
  canonical : Canonical trace
  /-- It holds the keys of the sections and no others. -/
  covers : ∀ k, holds trace k = sections.any (fun s => s.holds k)
  /-- Over the keys of each of the sections it is that section. -/
  restricts : ∀ s ∈ sections, SameEvents (restrict trace s.holds) s

/-! ## Lists without copies, in order -/

/-- `list` without copies of what comes again further on. -/
def distinct {α : Type} [DecidableEq α] : (list : List α) → List α
  | [] => []
  | x :: rest => if x ∈ rest then distinct rest else x :: distinct rest

/-- How many elements of `list` come again further on: the copies beyond one of each. -/
def copies {α : Type} [DecidableEq α] : (list : List α) → Nat
  | [] => 0
  | x :: rest => if x ∈ rest then copies rest + 1 else copies rest

/-- The elements of `list`, each once, sorted by `rank`. -/
def canonicalBy {α : Type} [DecidableEq α] (rank : α → Nat) (list : List α) : List α :=
  Order.sort rank (distinct list)

/-! ## Gluing -/

/-- Whether `events` hold another version of an event's key. -/
def isDisputed (events : List Event) (e : Event) : Bool :=
  events.any (fun f => f.key = e.key && f ≠ e)

/-- The keys of which `events` hold several versions, in order (GLU-3). -/
def disputed (events : List Event) : List Key :=
  canonicalBy Key.toNat ((events.filter (isDisputed events)).map Event.key)

/-- The keys in conflict: those of which the sections hold several versions, in order (GLU-3). -/
def conflicts (sections : List Section) : List Key := disputed (distinct sections.flatten)

/-- The versions of a key, each with the place of the section that holds it, counted from
`place`. -/
def holdersFrom (place : Nat) (k : Key) : (sections : List Section) → List (Nat × Event)
  | [] => []
  | s :: rest =>
    (s.filter (fun e => e.key = k)).map (fun e => (place, e)) ++ holdersFrom (place + 1) k rest

/-- The versions of a key, each with the place, from 0, of the section that holds it (GLU-3). -/
def holders (sections : List Section) (k : Key) : List (Nat × Event) := holdersFrom 0 k sections

/-- The sections' events in canonical order, each once; nothing where a key is in conflict (GLU-1,
GLU-2). `impl/kernel/section` has it as `Glue`. -/
def glue (sections : List Section) : Option (List Event) :=
  if conflicts sections = [] then
    some (traceOf sections.flatten)
  else
    none

end Section

open Section

namespace Claim

/-- The sheaf condition. Sections that agree pairwise where they overlap have a gluing, and only
one. (Pairwise includes each with itself.) -/
def sections_that_agree_have_exactly_one_gluing : Prop :=
  ∀ (sections : List Section),
    (∀ a ∈ sections, ∀ b ∈ sections, Agree a b) →
      ∃ trace, IsGluing sections trace ∧ ∀ other, IsGluing sections other → other = trace

/-- If any two sections disagree on a key, nothing glues them. -/
def sections_that_disagree_have_no_gluing : Prop :=
  ∀ (sections : List Section) (a b : Section), a ∈ sections → b ∈ sections → ¬ Agree a b →
    ¬ ∃ trace, IsGluing sections trace

/-- What is computed is the gluing, and it is computed wherever there is one. -/
def glue_finds_the_gluing_wherever_there_is_one : Prop :=
  ∀ (sections : List Section) (trace : List Event),
    glue sections = some trace ↔ IsGluing sections trace

/-- Gluing fails exactly where it can name a key in conflict. -/
def a_failed_gluing_names_a_conflict : Prop :=
  ∀ (sections : List Section), glue sections = none ↔ conflicts sections ≠ []

/-- All conflicts are named, and each is real: a key is named if and only if two of its holders
hold different events. -/
def conflicts_are_all_and_only_the_real_ones : Prop :=
  ∀ (sections : List Section) (k : Key),
    k ∈ conflicts sections ↔
      ∃ p ∈ holders sections k, ∃ q ∈ holders sections k, p.2 ≠ q.2

/-- The holders of a key are all events with that key, each with the place of a section that does
hold it. -/
def the_holders_of_a_key_hold_it : Prop :=
  ∀ (sections : List Section) (k : Key) (place : Nat) (e : Event),
    (place, e) ∈ holders sections k ↔ e.key = k ∧ ∃ s, sections[place]? = some s ∧ e ∈ s

/-- The keys in conflict are named in increasing order, each once. -/
def conflicts_are_named_once_and_in_order : Prop :=
  ∀ (sections : List Section), (conflicts sections).Pairwise (· < ·)

/-- A trace has the events of its sections and no others. -/
def a_gluing_has_the_events_of_its_sections : Prop :=
  ∀ (sections : List Section) (trace : List Event), glue sections = some trace →
    SameEvents trace sections.flatten

/-- Every event read is counted once: as an event of the trace or as a copy. -/
def events_and_copies_are_what_was_read : Prop :=
  ∀ (sections : List Section) (trace : List Event), glue sections = some trace →
    trace.length + copies sections.flatten = sections.flatten.length

/-- GLU-4: what sections glue to depends on the set of their events alone, not on the sections,
their number, their order, the order within them, or copies. -/
def a_gluing_depends_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Section), SameEvents a.flatten b.flatten → glue a = glue b

/-- So do the conflicts. -/
def conflicts_depend_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Section), SameEvents a.flatten b.flatten → conflicts a = conflicts b

/-- The order of the sections does not matter. -/
def gluing_is_commutative : Prop :=
  ∀ (a b : List Section), a.Perm b → glue a = glue b

/-- Two sections may be glued first, and the third to what came of it: whichever two, the result is
the same, failure included. -/
def gluing_is_associative : Prop :=
  ∀ (a b c : Section),
    (glue [a, b]).bind (fun ab => glue [ab, c]) = (glue [b, c]).bind (fun bc => glue [a, bc])

/-- Sections may be glued in steps: some first, and what came of it with the others. The result is
that of gluing all at once, failure included. -/
def gluing_in_steps_is_gluing_at_once : Prop :=
  ∀ (first others : List Section),
    (glue first).bind (fun trace => glue (trace :: others)) = glue (first ++ others)

/-- A section glued to itself is that section glued alone. -/
def gluing_is_idempotent : Prop :=
  ∀ (s : Section), glue [s, s] = glue [s]

/-- A section given again changes nothing. -/
def a_section_given_again_changes_nothing : Prop :=
  ∀ (sections : List Section) (s : Section), s ∈ sections → glue (s :: sections) = glue sections

/-- A trace is a section like another: it glues to itself. -/
def a_trace_glues_to_itself : Prop :=
  ∀ (sections : List Section) (trace : List Event), glue sections = some trace →
    glue [trace] = some trace

/-- Further sections settle no conflict. -/
def further_sections_settle_no_conflict : Prop :=
  ∀ (sections others : List Section) (k : Key), k ∈ conflicts sections →
    k ∈ conflicts (sections ++ others)

/-- Restricting in two steps is restricting at once, to the keys that both steps leave. -/
def restricting_in_steps_is_restricting_at_once : Prop :=
  ∀ (s : Section) (p q : Key → Bool),
    restrict (restrict s p) q = restrict s (fun k => p k && q k)

/-- Gluing commutes with restriction: sections restricted to some keys glue to their gluing,
restricted to these. -/
def a_gluing_restricted_is_the_gluing_of_the_restricted : Prop :=
  ∀ (sections : List Section) (keys : Key → Bool) (trace : List Event),
    glue sections = some trace →
      glue (sections.map (fun s => restrict s keys)) = some (restrict trace keys)

end Claim

end Omega
