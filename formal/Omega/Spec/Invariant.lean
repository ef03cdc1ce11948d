module

public import Omega.Spec.Section

/-!
# What a batch must satisfy

Clauses INV-1 to INV-9, OBS-1, OBS-2 and OBS-5 of `spec/rules.md`; `impl/kernel/invariant` is the
program, its `Reconcile` is `reconcile` here. A batch is the list of the events read from all its
sections, copies included; where they lay (OBS-3) is left out.

First comes the checker, as functions; then what it checks, said without it; then the claims that
the two are one.
-/

@[expose] public noncomputable section

namespace Omega

namespace Invariant

open Section

/-! ## The past (INV-1) -/

/-- The past of a chain: the events of its merges, and those that obstructions have set aside. -/
structure Past where
  certified : List Event
  quarantined : List Event
  deriving DecidableEq

namespace Past

/-- The past before the first batch. -/
def empty : Past := ⟨[], []⟩

/-- All events of the past. -/
def events (past : Past) : List Event := past.certified ++ past.quarantined

/-- Whether the past holds a version of a key. -/
def holds (past : Past) (k : Key) : Bool := Section.holds past.events k

end Past

/-- The largest of some keys. -/
def latest : (keys : List Key) → Option Key
  | [] => none
  | k :: rest =>
    match latest rest with
    | none => some k
    | some other => if other < k then some k else some other

/-- Whether two keys are of one stream of one node. -/
def sameStream (a b : Key) : Bool := a.node = b.node && a.stream = b.stream

/-- The frontier of the stream of `k`: its largest certified key (INV-4). -/
def Past.frontier (past : Past) (k : Key) : Option Key :=
  latest ((past.certified.map Event.key).filter (sameStream k))

/-! ## The checker -/

/-- The kinds of obstructions (OBS-1). -/
inductive Kind where
  | equivocation
  | lamport
  | missingDep
  | stale
  deriving DecidableEq

/-- Kinds are numbered, and ordered, as OBS-1 lists them (BDY-4). -/
def Kind.number : Kind → Nat
  | equivocation => 0
  | lamport => 1
  | missingDep => 2
  | stale => 3

/-- Stands where an obstruction has no dep (OBS-2). -/
def noDep : Key := ⟨0, 0, 0, 0⟩

/-- An obstruction (OBS-1). -/
structure Obstruction where
  key : Key
  kind : Kind
  dep : Key
  deriving DecidableEq

/-- A number by which obstructions are ordered: key, kind, dep, one behind the other (OBS-2). -/
def Obstruction.rank (o : Obstruction) : Nat :=
  (o.key.toNat * 4 + o.kind.number) * 2 ^ 224 + o.dep.toNat

/-- Whether `k` is at or before the frontier of its stream (INV-4). -/
def isStale (past : Past) (k : Key) : Bool :=
  match past.frontier k with
  | none => false
  | some frontier => k ≤ frontier

/-- What stands against an event with the key `k` because of its dep `d` (INV-3). -/
def chargesOfDep (batch : List Event) (past : Past) (k d : Key) : List Obstruction :=
  if d.lamport < k.lamport then
    if holds batch d || past.holds d then [] else [⟨k, .missingDep, d⟩]
  else
    [⟨k, .lamport, d⟩]

/-- What stands against an event of the batch (INV-2 to INV-5, INV-7). -/
def charges (batch : List Event) (past : Past) (e : Event) : List Obstruction :=
  if past.holds e.key then
    if e ∈ past.events then [] else [⟨e.key, .equivocation, noDep⟩]
  else
    (if isDisputed batch e then [⟨e.key, .equivocation, noDep⟩] else []) ++
      (e.deps.flatMap (chargesOfDep batch past e.key) ++
        (if isStale past e.key then [⟨e.key, .stale, noDep⟩] else []))

/-- The obstructions of a batch, each once, in order (OBS-1, OBS-2). -/
def obstructions (batch : List Event) (past : Past) : List Obstruction :=
  canonicalBy Obstruction.rank (batch.flatMap (charges batch past))

/-- The events of the batch that are no repeats, copies included (INV-5). -/
def newEvents (batch : List Event) (past : Past) : List Event :=
  batch.filter (fun e => e ∉ past.events)

/-- The repeats of the batch, copies included (INV-5). -/
def repeated (batch : List Event) (past : Past) : List Event :=
  batch.filter (fun e => e ∈ past.events)

/-- A merge with its trace, or the obstructions: never both (INV-8). -/
inductive Verdict where
  | merge (trace : List Event)
  | obstructed (list : List Obstruction)
  deriving DecidableEq

/-- The verdict on a batch (INV-8). -/
def verdict (batch : List Event) (past : Past) : Verdict :=
  if obstructions batch past = [] then
    .merge (traceOf (newEvents batch past))
  else
    .obstructed (obstructions batch past)

/-- What reconciling tells: the verdict and the counts of INV-6. -/
structure Result where
  verdict : Verdict
  events : Nat
  duplicates : Nat
  repeats : Nat
  deriving DecidableEq

/-- Reconciles a batch with the past. -/
def reconcile (batch : List Event) (past : Past) : Result where
  verdict := verdict batch past
  events := (distinct (newEvents batch past)).length
  duplicates := copies batch
  repeats := (distinct (repeated batch past)).length

/-- The past after the verdict on a batch is certified: a merge adds its trace to the certified
events, obstructions set aside the events whose keys they name (OBS-5). -/
def Past.after (past : Past) (batch : List Event) : Past :=
  match verdict batch past with
  | .merge trace => ⟨past.certified ++ trace, past.quarantined⟩
  | .obstructed list =>
    ⟨past.certified, past.quarantined ++
      (newEvents batch past).filter (fun e => list.any (fun o => o.key = e.key))⟩

/-- The past after some batches, from an empty one. -/
def history (batches : List (List Event)) : Past := batches.foldl Past.after Past.empty

/-! ## What it checks -/

/-- The past has a version of the key. -/
def InPast (past : Past) (k : Key) : Prop := ∃ e ∈ past.events, e.key = k

/-- The batch has a version of the key. -/
def InBatch (batch : List Event) (k : Key) : Prop := ∃ e ∈ batch, e.key = k

/-- An event is new: it is in the batch, and not in the past (INV-5). -/
def IsNew (batch : List Event) (past : Past) (e : Event) : Prop := e ∈ batch ∧ e ∉ past.events

/-- Agreement (INV-2): no new event shares its key with another event, of the past or the batch. -/
def Agreeing (batch : List Event) (past : Past) : Prop :=
  ∀ e, IsNew batch past e →
    (∀ f ∈ past.events, f.key ≠ e.key) ∧ ∀ f ∈ batch, f.key = e.key → f = e

/-- Causality (INV-3): each dep of a new event comes before it. -/
def Causal (batch : List Event) (past : Past) : Prop :=
  ∀ e, IsNew batch past e → ∀ d ∈ e.deps, d.lamport < e.key.lamport

/-- Completeness (INV-3): each dep of a new event is in the batch or in the past. -/
def Complete (batch : List Event) (past : Past) : Prop :=
  ∀ e, IsNew batch past e → ∀ d ∈ e.deps, InBatch batch d ∨ InPast past d

/-- The arrow of time (INV-4): a new event comes after all certified events of its stream. -/
def OnTime (batch : List Event) (past : Past) : Prop :=
  ∀ e, IsNew batch past e → ∀ f ∈ past.certified, sameStream e.key f.key → f.key < e.key

/-- An equivocation of `k` (INV-2): the key is in the past, and the batch has it with bytes that no
past version has; or it is not, and the batch has two versions of it. -/
def IsEquivocation (batch : List Event) (past : Past) (k : Key) : Prop :=
  (InPast past k ∧ ∃ e ∈ batch, e.key = k ∧ e ∉ past.events) ∨
    (¬ InPast past k ∧ ∃ e ∈ batch, ∃ f ∈ batch, e.key = k ∧ f.key = k ∧ e ≠ f)

/-- `k` is not in the past, and a version of it in the batch has the dep `d` (INV-3, INV-7). -/
def DependsOn (batch : List Event) (past : Past) (k d : Key) : Prop :=
  ¬ InPast past k ∧ ∃ e ∈ batch, e.key = k ∧ d ∈ e.deps

/-- A dep of `k` that does not come before it (INV-3). -/
def IsLamport (batch : List Event) (past : Past) (k d : Key) : Prop :=
  DependsOn batch past k d ∧ ¬ d.lamport < k.lamport

/-- A dep of `k` that comes before it, but is neither in the batch nor in the past (INV-3). -/
def IsMissingDep (batch : List Event) (past : Past) (k d : Key) : Prop :=
  DependsOn batch past k d ∧ d.lamport < k.lamport ∧ ¬ InBatch batch d ∧ ¬ InPast past d

/-- `k`, in the batch and not in the past, is not beyond all certified keys of its stream (INV-4). -/
def IsStaleKey (batch : List Event) (past : Past) (k : Key) : Prop :=
  ¬ InPast past k ∧ InBatch batch k ∧ ∃ f ∈ past.certified, sameStream k f.key ∧ k ≤ f.key

/-- What it is to be an obstruction of a batch (OBS-1). -/
def IsObstruction (batch : List Event) (past : Past) (o : Obstruction) : Prop :=
  match o.kind with
  | .equivocation => IsEquivocation batch past o.key ∧ o.dep = noDep
  | .lamport => IsLamport batch past o.key o.dep
  | .missingDep => IsMissingDep batch past o.key o.dep
  | .stale => IsStaleKey batch past o.key ∧ o.dep = noDep

/-- The order of obstructions: by key, then kind, then dep (OBS-2). -/
def Before (a b : Obstruction) : Prop :=
  a.key < b.key ∨ a.key = b.key ∧
    (a.kind.number < b.kind.number ∨ a.kind.number = b.kind.number ∧ a.dep < b.dep)

/-- Two pasts hold the same events, in whatever order and number. -/
def SamePast (p q : Past) : Prop :=
  SameEvents p.certified q.certified ∧ SameEvents p.quarantined q.quarantined

end Invariant

open Invariant

namespace Claim

/-- A stream is named by a node and a stream within it: two keys are of one stream if they have the
same of both. -/
def keys_are_of_one_stream_if_node_and_stream_are_the_same : Prop :=
  ∀ (a b : Key), sameStream a b = true ↔ a.node = b.node ∧ a.stream = b.stream

/-- The frontier of a stream is its largest certified key. -/
def the_frontier_is_the_largest_certified_key : Prop :=
  ∀ (past : Past) (k frontier : Key),
    past.frontier k = some frontier ↔
      (∃ e ∈ past.certified, e.key = frontier ∧ sameStream k e.key) ∧
        ∀ e ∈ past.certified, sameStream k e.key → e.key ≤ frontier

/-- Sound and complete: a batch is merged if and only if it agrees, with itself and with the past,
and is causal, complete and on time. -/
def a_batch_is_merged_if_and_only_if_it_breaks_no_rule : Prop :=
  ∀ (batch : List Event) (past : Past),
    (∃ trace, verdict batch past = .merge trace) ↔
      Agreeing batch past ∧ Causal batch past ∧ Complete batch past ∧ OnTime batch past

/-- All obstructions of a batch are found, and nothing else is taken for one. -/
def obstructions_are_all_and_only_the_true_ones : Prop :=
  ∀ (batch : List Event) (past : Past) (o : Obstruction),
    o ∈ obstructions batch past ↔ IsObstruction batch past o

/-- Obstructions are told in the order of OBS-2, each once. -/
def obstructions_are_told_once_and_in_order : Prop :=
  ∀ (batch : List Event) (past : Past), (obstructions batch past).Pairwise Before

/-- A batch that is not merged is refused with all its obstructions, and there is one. -/
def a_refusal_names_all_obstructions_and_at_least_one : Prop :=
  ∀ (batch : List Event) (past : Past) (list : List Obstruction),
    verdict batch past = .obstructed list ↔ list = obstructions batch past ∧ list ≠ []

/-- A merge has the new events of the batch, all of them and nothing else. -/
def a_merge_has_exactly_the_new_events : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    ∀ e, e ∈ trace ↔ IsNew batch past e

/-- A merge is in canonical order, without a key twice. -/
def a_merge_is_in_canonical_order : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    Canonical trace

/-- A merge brings only keys that the past does not have. -/
def a_merge_brings_only_keys_new_to_the_past : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    ∀ e ∈ trace, ¬ InPast past e.key

/-- A merge is the gluing of the sections, from which the repeats are taken out. -/
def a_merge_is_a_gluing : Prop :=
  ∀ (sections : List Section) (past : Past) (trace : List Event),
    verdict sections.flatten past = .merge trace →
      Section.glue (sections.map (fun s => newEvents s past)) = some trace

/-- The verdict on a batch depends on its set of events and on the past's alone: not on order or
copies (INV-9). -/
def a_verdict_depends_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Event) (p q : Past), SameEvents a b → SamePast p q → verdict a p = verdict b q

/-- The count of events depends on the batch's set of events and on the past's alone. -/
def the_count_of_events_depends_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Event) (p q : Past), SameEvents a b → SamePast p q →
    (reconcile a p).events = (reconcile b q).events

/-- The count of repeats depends on the batch's set of events and on the past's alone. -/
def the_count_of_repeats_depends_on_the_set_of_events_alone : Prop :=
  ∀ (a b : List Event) (p q : Past), SameEvents a b → SamePast p q →
    (reconcile a p).repeats = (reconcile b q).repeats

/-- Every frame is counted once: events, duplicates and repeats are the frames read (INV-6). -/
def events_duplicates_and_repeats_are_the_frames : Prop :=
  ∀ (batch : List Event) (past : Past),
    (reconcile batch past).events + (reconcile batch past).duplicates +
      (reconcile batch past).repeats = batch.length

/-- The events of a merge are as many as are counted. -/
def a_merge_has_as_many_events_as_are_counted : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    trace.length = (reconcile batch past).events

/-- A merge makes the past grow by its trace and by nothing else. -/
def a_merge_certifies_its_trace_and_nothing_else : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    past.after batch = ⟨past.certified ++ trace, past.quarantined⟩

/-- A batch of events that are all in the past merges to nothing: all are repeats. -/
def a_batch_of_past_events_gives_only_repeats : Prop :=
  ∀ (batch : List Event) (past : Past), (∀ e ∈ batch, e ∈ past.events) →
    reconcile batch past = ⟨.merge [], 0, Section.copies batch, (Section.distinct batch).length⟩

/-- A batch that was merged gives only repeats when it comes again. -/
def a_batch_merged_before_gives_only_repeats : Prop :=
  ∀ (batch : List Event) (past : Past) (trace : List Event), verdict batch past = .merge trace →
    reconcile batch (past.after batch) =
      ⟨.merge [], 0, Section.copies batch, (Section.distinct batch).length⟩

/-- One bad event does not stop the chain: once the obstructions of a batch are certified, the same
batch merges, with exactly the new events whose keys no obstruction named (OBS-5). -/
def what_no_obstruction_names_merges_at_the_next_height : Prop :=
  ∀ (batch : List Event) (past : Past) (list : List Obstruction),
    verdict batch past = .obstructed list →
      ∃ trace, verdict batch (past.after batch) = .merge trace ∧
        ∀ e, e ∈ trace ↔ IsNew batch past e ∧ ∀ o ∈ list, o.key ≠ e.key

/-- Whatever batches come, each stream is certified in increasing order of its keys (CHN-4); so no
key is certified twice. -/
def every_stream_is_certified_in_increasing_order : Prop :=
  ∀ (batches : List (List Event)),
    (history batches).certified.Pairwise (fun a b => sameStream a.key b.key → a.key < b.key)

/-- Whatever batches come, no key is certified twice. -/
def no_key_is_certified_twice : Prop :=
  ∀ (batches : List (List Event)),
    (history batches).certified.Pairwise (fun a b => a.key ≠ b.key)

/-- Whatever batches come, each dep of a certified event comes before it and is in the past. -/
def every_dep_of_a_certified_event_is_in_the_past : Prop :=
  ∀ (batches : List (List Event)) (e : Event) (d : Key),
    e ∈ (history batches).certified → d ∈ e.deps →
      d.lamport < e.key.lamport ∧ InPast (history batches) d

/-- What is certified stays certified, in its place. -/
def certified_events_stay_certified : Prop :=
  ∀ (past : Past) (batch : List Event), past.certified <+: (past.after batch).certified

/-- What is quarantined stays quarantined, in its place. -/
def quarantined_events_stay_quarantined : Prop :=
  ∀ (past : Past) (batch : List Event), past.quarantined <+: (past.after batch).quarantined

end Claim

end Omega
