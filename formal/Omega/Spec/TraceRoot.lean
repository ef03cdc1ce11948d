module

public import Omega.Spec.Codec
public import Omega.Spec.Merkle
public import Omega.Spec.Order

/-!
# Trace roots

Clause MRK-2 of `spec/rules.md`: the root of a trace is the Merkle root over its events in canonical
order, a leaf being an event's bytes. `impl/kernel/merkle` has it as `TraceRoot`.
-/

@[expose] public noncomputable section

namespace Omega

/-- The leaves of the trace that events make: their bytes, in canonical order, each event once. -/
def traceLeaves (events : List Event) : List Bytes := (traceOf events).map Event.encode

/-- The root of the trace that events make. -/
def traceRoot (hash : Bytes → Bytes) (events : List Event) : Bytes :=
  Merkle.root hash (traceLeaves events)

namespace Claim
open Order

/-- Ordering-key invariance: the same events have the same trace root in whatever order they
arrive. -/
def permuted_events_have_the_same_trace_root : Prop :=
  ∀ (hash : Bytes → Bytes) (a b : List Event), a.Perm b → OneVersionEach a →
    traceRoot hash a = traceRoot hash b

/-- A trace root depends on the set of events alone: neither on their order nor on how often a copy
came. -/
def a_trace_root_depends_on_the_set_of_events_alone : Prop :=
  ∀ (hash : Bytes → Bytes) (a b : List Event), (∀ e, e ∈ a ↔ e ∈ b) → OneVersionEach a →
    traceRoot hash a = traceRoot hash b

/-- And it tells sets of events apart: where two traces that differ have one root, two different
byte strings that were hashed to make the roots have the same hash. -/
def traces_with_one_root_are_equal_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (a b : List Event),
    (∀ input, (hash input).length = 32) → (∀ e ∈ a, e.Valid) → (∀ e ∈ b, e.Valid) →
    traceRoot hash a = traceRoot hash b → traceOf a ≠ traceOf b →
    CollisionBetween hash (Merkle.rootInputs hash (traceLeaves a))
      (Merkle.rootInputs hash (traceLeaves b))

end Claim

end Omega
