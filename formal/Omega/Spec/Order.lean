module

public import Omega.Spec.Codec

/-!
# Canonical order

Clauses ORD-1 to ORD-3, GLU-2 and GLU-4 of `spec/rules.md`; `impl/kernel/order` is the program.

Events are put into the order of their keys by merging: runs that are in order already are merged
two by two, until one is left. Here the first runs are single events; the program first looks for
longer ones, which changes nothing (`merging_sorted_runs_sorts_them_all`). Sorting is written for
whatever has a `rank`, a number by which to sort: K for an event; K, then the place in its file, for
the entry of an index.
-/

@[expose] public noncomputable section

namespace Omega

namespace Order

/-- What of `run` ranks before `x`, then `x`, then what `rest` makes of the others. -/
def mergeOne {α : Type} (rank : α → Nat) (x : α) (rest : List α → List α) : (run : List α) → List α
  | [] => x :: rest []
  | y :: run => if rank x ≤ rank y then x :: rest (y :: run) else y :: mergeOne rank x rest run

/-- Two runs merged into one. Where both have the same rank, what is in the first comes first.
`impl/kernel/order` has it as `mergeTwo`. -/
def merge {α : Type} (rank : α → Nat) : (first : List α) → (second : List α) → List α
  | [] => fun second => second
  | x :: first => mergeOne rank x (merge rank first)

/-- Runs merged two by two: half as many are left. -/
def mergePairs {α : Type} (rank : α → Nat) : (runs : List (List α)) → List (List α)
  | [] => []
  | [run] => [run]
  | a :: b :: runs => merge rank a b :: mergePairs rank runs

/-- Runs merged two by two `passes` times, then what is left one by one. -/
def mergePasses {α : Type} (rank : α → Nat) : (passes : Nat) → (runs : List (List α)) → List α
  | 0, runs => runs.foldr (merge rank) []
  | _ + 1, [] => []
  | _ + 1, [run] => run
  | passes + 1, a :: b :: runs => mergePasses rank passes (mergePairs rank (a :: b :: runs))

/-- Runs merged into one. (As many passes as there are runs are more than are needed.)
`impl/kernel/order` has it as `merge`. -/
def mergeRuns {α : Type} (rank : α → Nat) (runs : List (List α)) : List α :=
  mergePasses rank runs.length runs

/-- A list sorted by `rank`. `impl/kernel/order` has it as `Sort`. -/
def sort {α : Type} (rank : α → Nat) (list : List α) : List α :=
  mergeRuns rank (list.map (fun x => [x]))

/-- What comes twice in a row, or more often, is there once (GLU-2). -/
def dropCopies {α : Type} [DecidableEq α] : (list : List α) → List α
  | [] => []
  | [x] => [x]
  | x :: y :: rest => if x = y then dropCopies (y :: rest) else x :: dropCopies (y :: rest)

/-- What an index holds of an event: its key, and where it lies, that is, in which source at which
offset (ORD-2). -/
structure Entry where
  key : Key
  source : Fin (2 ^ 20)
  offset : Fin (2 ^ 44)
  deriving DecidableEq

/-- Entries are ordered by key, of the same by source, of the same by offset (ORD-3). -/
def Entry.rank (e : Entry) : Nat := e.key.toNat * 2 ^ 64 + e.source.val * 2 ^ 44 + e.offset.val

/-- The place of an entry as one number. `impl/kernel/order` has it as `Ref`. -/
def Entry.ref (e : Entry) : Nat := e.source.val * 2 ^ 44 + e.offset.val

/-- Whether events are in canonical order, copies side by side (ORD-1). -/
def Sorted (events : List Event) : Prop := events.Pairwise (fun a b => a.key ≤ b.key)

/-- Whether no key has two versions. -/
def OneVersionEach (events : List Event) : Prop :=
  ∀ e ∈ events, ∀ f ∈ events, e.key = f.key → e = f

end Order

open Order

/-- An event is sorted by its key. -/
def Event.rank (e : Event) : Nat := e.key.toNat

/-- Events in canonical order (ORD-1). -/
def canonicalSort (events : List Event) : List Event := sort Event.rank events

/-- Events in canonical order without copies (GLU-2). -/
def traceOf (events : List Event) : List Event := dropCopies (canonicalSort events)

namespace Claim

/-! ## The canonical sort -/

/-- Sorting loses no event, adds none, and keeps each as often as it was there. -/
def the_canonical_sort_is_a_permutation : Prop :=
  ∀ (events : List Event), (canonicalSort events).Perm events

/-- What was sorted is in canonical order. -/
def the_canonical_sort_is_sorted : Prop :=
  ∀ (events : List Event), Sorted (canonicalSort events)

/-- Events with the same key keep the order in which they came. -/
def the_canonical_sort_keeps_events_of_a_key_in_order : Prop :=
  ∀ (events : List Event) (k : Key),
    (canonicalSort events).filter (fun e => e.key = k) = events.filter (fun e => e.key = k)

/-- Sorting what is in canonical order changes nothing. -/
def sorting_what_is_sorted_changes_nothing : Prop :=
  ∀ (events : List Event), Sorted events → canonicalSort events = events

/-- Merging runs, each in canonical order, is sorting all of their events: how the events were
spread over the runs, and how many runs there are, makes no difference. -/
def merging_sorted_runs_sorts_them_all : Prop :=
  ∀ (runs : List (List Event)), (∀ run ∈ runs, Sorted run) →
    mergeRuns Event.rank runs = canonicalSort runs.flatten

/-- There is one canonical order: two lists of the same events, both in canonical order, are the
same list, if no key has two versions. -/
def there_is_one_canonical_order : Prop :=
  ∀ (a b : List Event), a.Perm b → OneVersionEach a → Sorted a → Sorted b → a = b

/-! ## Lamport monotonicity -/

/-- The arrow of time: in a list in canonical order, an event that stands before another has a
Lamport time at or before its. -/
def lamport_time_is_monotone_in_a_sorted_list : Prop :=
  ∀ (events : List Event) (i j : Nat) (a b : Event),
    Sorted events → i < j → events[i]? = some a → events[j]? = some b →
      a.key.lamport ≤ b.key.lamport

/-- The arrow of time in a trace, which is in canonical order whatever its events are. -/
def lamport_time_is_monotone_in_a_trace : Prop :=
  ∀ (events : List Event) (i j : Nat) (a b : Event),
    i < j → (traceOf events)[i]? = some a → (traceOf events)[j]? = some b →
      a.key.lamport ≤ b.key.lamport

/-! ## Ordering-key invariance -/

/-- Events that arrive in another order are sorted into the same list, if no key has two versions.
-/
def permuted_events_are_sorted_into_the_same_list : Prop :=
  ∀ (a b : List Event), a.Perm b → OneVersionEach a → canonicalSort a = canonicalSort b

/-- The hypothesis is needed: two versions of one key stay in the order in which they came. (They
are a conflict, and there is no trace.) -/
def two_versions_of_a_key_stay_as_they_came : Prop :=
  ¬ ∀ (a b : List Event), a.Perm b → canonicalSort a = canonicalSort b

/-- A trace depends on the set of events alone: not on their order, and not on how often a copy
came (GLU-4). -/
def a_trace_depends_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Event), (∀ e, e ∈ a ↔ e ∈ b) → OneVersionEach a → traceOf a = traceOf b

/-- A trace has the events that it was made of and no others. -/
def a_trace_has_the_events_it_was_made_of : Prop :=
  ∀ (events : List Event) (e : Event), e ∈ traceOf events ↔ e ∈ events

/-- In a trace keys increase: each event is there once. -/
def keys_increase_in_a_trace : Prop :=
  ∀ (events : List Event), OneVersionEach events →
    (traceOf events).Pairwise (fun a b => a.key < b.key)

/-- Same events, same leaves: whatever is computed of each event, the list of it in canonical order
does not depend on how the events arrived. -/
def permuted_events_have_the_same_leaves : Prop :=
  ∀ (α : Type) (leaf : Event → α) (a b : List Event), a.Perm b → OneVersionEach a →
    (traceOf a).map leaf = (traceOf b).map leaf

/-- Same events, same root: whatever is computed of the leaves does not depend on how the events
arrived either. -/
def permuted_events_have_the_same_root : Prop :=
  ∀ (α β : Type) (leaf : Event → α) (root : List α → β) (a b : List Event),
    a.Perm b → OneVersionEach a →
      root ((traceOf a).map leaf) = root ((traceOf b).map leaf)

/-! ## The index of a batch -/

/-- No two entries have one rank. -/
def entries_of_one_rank_are_one_entry : Prop :=
  ∀ (a b : Entry), a.rank = b.rank → a = b

/-- Entries are ordered by their keys first, and those of one key by their place (ORD-3). -/
def entries_are_ordered_by_key_and_then_by_place : Prop :=
  ∀ (a b : Entry), a.rank < b.rank ↔ a.key < b.key ∨ a.key = b.key ∧ a.ref < b.ref

/-- An index holds the same entries after sorting. -/
def sorting_an_index_is_a_permutation : Prop :=
  ∀ (entries : List Entry), (sort Entry.rank entries).Perm entries

/-- A sorted index is in order. -/
def a_sorted_index_is_sorted : Prop :=
  ∀ (entries : List Entry), (sort Entry.rank entries).Pairwise (fun a b => a.rank ≤ b.rank)

/-- The order of an index depends on its entries alone, conflicts included: not on the order in
which they came (ORD-3). -/
def permuted_entries_are_sorted_into_the_same_index : Prop :=
  ∀ (a b : List Entry), a.Perm b → sort Entry.rank a = sort Entry.rank b

end Claim

end Omega
