module

public import Omega.Spec.Order

/-!
# Merkle trees

Clauses MRK-1 to MRK-5; `impl/kernel/merkle`. The tree is built level by level: neighbours are
paired, and a last one without a neighbour goes up as it is. That this is the tree of RFC 6962 is
`root_splits_at_a_power_of_two`. What combines two nodes is a parameter of the functions that
know only the tree's shape: the hash of a node in the system, anything in an example.

A hash is any function from byte strings to 32 bytes. None such is injective, so the theorems name
the inputs: where something is forged, two *different* byte strings with the same hash are among
those that were hashed to make the tree and to check the proof.
-/

@[expose] public noncomputable section

namespace Omega

/-- One of the byte strings `ours` and one of the byte strings `theirs` differ and have the same
hash. Both lists are finite and given, so whoever holds them can find the two. -/
def CollisionBetween (hash : Bytes → Bytes) (ours theirs : List Bytes) : Prop :=
  ∃ a ∈ ours, ∃ b ∈ theirs, a ≠ b ∧ hash a = hash b

namespace Merkle

variable {α : Type}

/-- The nodes one level up. -/
def pairUp (node : α → α → α) : List α → List α
  | left :: right :: rest => node left right :: pairUp node rest
  | rest => rest

/-- The nodes some levels up. -/
def rise (node : α → α → α) : (levels : Nat) → List α → List α
  | 0, nodes => nodes
  | levels + 1, nodes => rise node levels (pairUp node nodes)

/-- The node on top of all; `empty` where there is no node at all. As many levels as there are
nodes are enough, and going on above the top changes nothing. -/
def top (node : α → α → α) (empty : α) (nodes : List α) : α :=
  (rise node nodes.length nodes).headD empty

/-- MRK-4: the inclusion proof for the node `index`: on each level the other of its pair, from the
node's level up. -/
def path (node : α → α → α) : (levels index : Nat) → (nodes : List α) → List α
  | 0, _, _ => []
  | levels + 1, index, nodes =>
    let sibling := if index % 2 = 1 then nodes[index - 1]? else nodes[index + 1]?
    sibling.toList ++ path node levels (index / 2) (pairUp node nodes)

/-- `climb` of `impl/kernel/merkle`: follows a proof from a node, number `index` of the `size`
nodes of its level, to the top. Gives the top's hash, and what the node and its siblings to the
left alone make up; nothing if the proof has not exactly as many hashes as index and size demand. -/
def climb (node : α → α → α) : (levels index size : Nat) → (hash left : α) → (proof : List α) →
    Option (α × α)
  | 0, _, _, _, _, _ => none
  | levels + 1, index, size, hash, left, proof =>
    if size ≤ 1 then
      if proof.isEmpty then some (hash, left) else none
    else if index % 2 = 0 ∧ index + 1 = size then
      climb node levels (index / 2) ((size + 1) / 2) hash left proof
    else match proof with
      | [] => none
      | sibling :: rest =>
        if index % 2 = 1 then
          climb node levels (index / 2) ((size + 1) / 2) (node sibling hash) (node sibling left) rest
        else
          climb node levels (index / 2) ((size + 1) / 2) (node hash sibling) left rest

/-- How many levels up the last of the first `old` nodes is the last of a whole perfect subtree;
with the numbers of nodes, of the old tree and of the new one, on that level. -/
def meet : (levels old size : Nat) → Nat × Nat × Nat
  | 0, old, size => (0, old, size)
  | levels + 1, old, size =>
    if old % 2 = 0 then
      let (up, old, size) := meet levels (old / 2) ((size + 1) / 2)
      (up + 1, old, size)
    else (0, old, size)

/-- MRK-5: the proof that the tree over the first `old` nodes is the beginning of the tree over all
of them: the path of the older tree's last perfect subtree, behind that subtree's own root unless
it is the whole older tree. -/
def growth (node : α → α → α) (old : Nat) (nodes : List α) : List α :=
  if old = 0 ∨ nodes.length ≤ old then [] else
    let (up, index, _) := meet old old nodes.length
    let level := rise node up nodes
    (if index = 1 then [] else level[index - 1]?.toList) ++
      path node nodes.length (index - 1) level

/-- MRK-1: the hash of a leaf. -/
def leafHash (hash : Bytes → Bytes) (leaf : Bytes) : Bytes := hash (0 :: leaf)

/-- MRK-1: the hash of a node. -/
def nodeHash (hash : Bytes → Bytes) (left right : Bytes) : Bytes := hash (1 :: (left ++ right))

/-- MRK-1: the root over leaves. -/
def root (hash : Bytes → Bytes) (leaves : List Bytes) : Bytes :=
  top (nodeHash hash) (hash []) (leaves.map (leafHash hash))

/-- MRK-4, `ProveInclusion`: the proof for a leaf. -/
def proveInclusion (hash : Bytes → Bytes) (index : Nat) (leaves : List Bytes) : List Bytes :=
  path (nodeHash hash) leaves.length index (leaves.map (leafHash hash))

/-- MRK-4, `CheckInclusion`: does the proof show that the leaf is number `index` of the `size`
leaves under the root? -/
def checkInclusion (hash : Bytes → Bytes) (root : Bytes) (size index : Nat) (leaf : Bytes)
    (proof : List Bytes) : Bool :=
  let start := leafHash hash leaf
  index < size && (climb (nodeHash hash) size index size start start proof).any (·.1 = root)

/-- MRK-5, `ProveConsistency`: the proof that the tree over the first `old` leaves is the beginning
of the tree over all. -/
def proveConsistency (hash : Bytes → Bytes) (old : Nat) (leaves : List Bytes) : List Bytes :=
  growth (nodeHash hash) old (leaves.map (leafHash hash))

/-- MRK-5, `CheckConsistency`: does the proof show that the tree of `old` leaves under `oldRoot` is
the beginning of the one of `size` leaves under `newRoot`? A hash has 32 bytes. -/
def checkConsistency (hash : Bytes → Bytes) (old size : Nat) (oldRoot newRoot : Bytes)
    (proof : List Bytes) : Bool :=
  if size < old then false
  else if old = size then proof.isEmpty && oldRoot = newRoot
  else if old = 0 then proof.isEmpty && oldRoot = hash []
  else
    let (_, index, count) := meet old old size
    let accepts (start : Bytes) (rest : List Bytes) : Bool :=
      (climb (nodeHash hash) size (index - 1) count start start rest) = some (newRoot, oldRoot)
    if index = 1 then accepts oldRoot proof
    else match proof with
      | [] => false
      | start :: rest => start.length = 32 && accepts start rest

/-! What is hashed. -/

/-- What is hashed for the nodes one level up. -/
def pairInputs : List Bytes → List Bytes
  | left :: right :: rest => (1 :: (left ++ right)) :: pairInputs rest
  | _ => []

/-- What is hashed for the nodes of some levels above the given ones. -/
def riseInputs (hash : Bytes → Bytes) : (levels : Nat) → List Bytes → List Bytes
  | 0, _ => []
  | levels + 1, nodes =>
    pairInputs nodes ++ riseInputs hash levels (pairUp (nodeHash hash) nodes)

/-- All byte strings that are hashed to make the root over leaves. -/
def rootInputs (hash : Bytes → Bytes) (leaves : List Bytes) : List Bytes :=
  if leaves.isEmpty then [[]] else
    leaves.map (0 :: ·) ++ riseInputs hash leaves.length (leaves.map (leafHash hash))

/-- What is hashed for the top's hash to follow a proof from the node with the given hash. -/
def climbInputs (hash : Bytes → Bytes) : (levels index size : Nat) → (start : Bytes) →
    (proof : List Bytes) → List Bytes
  | 0, _, _, _, _ => []
  | levels + 1, index, size, start, proof =>
    if index % 2 = 0 ∧ index + 1 = size then
      climbInputs hash levels (index / 2) ((size + 1) / 2) start proof
    else match proof with
      | [] => []
      | sibling :: rest =>
        let input := 1 :: (if index % 2 = 1 then sibling ++ start else start ++ sibling)
        input :: climbInputs hash levels (index / 2) ((size + 1) / 2) (hash input) rest

/-- All byte strings that are hashed to check an inclusion proof. -/
def inclusionInputs (hash : Bytes → Bytes) (size index : Nat) (leaf : Bytes)
    (proof : List Bytes) : List Bytes :=
  (0 :: leaf) :: climbInputs hash size index size (leafHash hash leaf) proof

/-- The byte strings that are hashed to check a consistency proof against the newer root. -/
def consistencyInputs (hash : Bytes → Bytes) (old size : Nat) (oldRoot : Bytes)
    (proof : List Bytes) : List Bytes :=
  let (_, index, count) := meet old old size
  if index = 1 then climbInputs hash size 0 count oldRoot proof
  else climbInputs hash size (index - 1) count (proof.headD []) proof.tail

end Merkle

namespace Claim
open Merkle

/-- MRK-1: the root of no leaf is the hash of nothing. -/
def root_of_no_leaf_is_the_hash_of_nothing : Prop :=
  ∀ (hash : Bytes → Bytes), root hash [] = hash []

/-- MRK-1: the root of one leaf is its hash. -/
def root_of_one_leaf_is_its_hash : Prop :=
  ∀ (hash : Bytes → Bytes) (leaf : Bytes), root hash [leaf] = leafHash hash leaf

/-- MRK-1: the root of more leaves is the hash of two roots, that of the first k and that of the
rest, k being the largest power of two below their number. -/
def root_splits_at_a_power_of_two : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (log : Nat),
    2 ^ log < leaves.length → leaves.length ≤ 2 ^ (log + 1) →
    root hash leaves =
      nodeHash hash (root hash (leaves.take (2 ^ log))) (root hash (leaves.drop (2 ^ log)))

/-- Two lists of leaves, of whatever lengths, have different roots, or two different byte strings
that were hashed to make them have the same hash. -/
def leaves_with_one_root_are_equal_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (ours theirs : List Bytes),
    (∀ input, (hash input).length = 32) → root hash ours = root hash theirs → ours ≠ theirs →
    CollisionBetween hash (rootInputs hash ours) (rootInputs hash theirs)

/-- MRK-4: the proof that is made for a leaf of a tree is accepted. -/
def made_inclusion_proofs_are_accepted : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (index : Fin leaves.length),
    checkInclusion hash (root hash leaves) leaves.length index leaves[index]
      (proveInclusion hash index leaves)

/-- An accepted inclusion proof for another leaf than the tree has in that place shows two
different byte strings with the same hash. -/
def inclusion_of_another_leaf_collides : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (index : Fin leaves.length) (leaf : Bytes)
    (proof : List Bytes),
    (∀ input, (hash input).length = 32) →
    checkInclusion hash (root hash leaves) leaves.length index leaf proof →
    leaf ≠ leaves.get index →
    CollisionBetween hash (inclusionInputs hash leaves.length index leaf proof)
      (rootInputs hash leaves)

/-- An accepted inclusion proof is the one that is made for the leaf, or shows two different byte
strings with the same hash. So a proof has the length that index and size demand. -/
def inclusion_proofs_are_the_made_one_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (index : Fin leaves.length) (leaf : Bytes)
    (proof : List Bytes),
    (∀ input, (hash input).length = 32) →
    checkInclusion hash (root hash leaves) leaves.length index leaf proof →
    proof ≠ proveInclusion hash index leaves →
    CollisionBetween hash (inclusionInputs hash leaves.length index leaf proof)
      (rootInputs hash leaves)

/-- No tree has a leaf at its size or beyond: such an index is refused. -/
def inclusion_beyond_the_size_is_refused : Prop :=
  ∀ (hash : Bytes → Bytes) (root : Bytes) (size index : Nat) (leaf : Bytes) (proof : List Bytes),
    size ≤ index → checkInclusion hash root size index leaf proof = false

/-- Whatever the hashes are, two accepted inclusion proofs for one index and one size have the same
number of hashes. -/
def inclusion_proofs_have_one_length : Prop :=
  ∀ (hash : Bytes → Bytes) (size index : Nat) (root root' leaf leaf' : Bytes)
    (proof proof' : List Bytes),
    checkInclusion hash root size index leaf proof →
    checkInclusion hash root' size index leaf' proof' → proof.length = proof'.length

/-- MRK-5: the proof that is made for the growth of a tree is accepted. -/
def made_consistency_proofs_are_accepted : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (old : Nat),
    (∀ input, (hash input).length = 32) → old ≤ leaves.length →
    checkConsistency hash old leaves.length (root hash (leaves.take old)) (root hash leaves)
      (proveConsistency hash old leaves)

/-- An accepted consistency proof for another older root than that of the first leaves shows two
different byte strings with the same hash: history under an older root is not rewritten. -/
def consistency_with_another_past_collides : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes) (old : Nat) (oldRoot : Bytes)
    (proof : List Bytes),
    (∀ input, (hash input).length = 32) → oldRoot.length = 32 →
    checkConsistency hash old leaves.length oldRoot (root hash leaves) proof →
    oldRoot ≠ root hash (leaves.take old) →
    CollisionBetween hash (consistencyInputs hash old leaves.length oldRoot proof)
      (rootInputs hash leaves)

end Claim

/-!
## A tree that grows at its end

Clauses MRK-3 and CHN-1; `Tree` of `impl/kernel/merkle`. The roots of the perfect subtrees are all
that is kept of the leaves so far: place i, counted from 0, has that of a subtree of 2^i leaves, or
nothing.
-/

namespace Merkle

variable {α : Type}

/-- `Tree.Append`: one leaf more. A subtree of the leaf's size makes with it one of twice the
size. -/
def push (node : α → α → α) : (subtrees : List (Option α)) → (leaf : α) → List (Option α)
  | [], leaf => [some leaf]
  | none :: larger, leaf => some leaf :: larger
  | some left :: larger, leaf => none :: push node larger (node left leaf)

/-- `Tree.Root`: the root over subtrees, of which the smaller ones make up `right`. -/
def join (node : α → α → α) : (right : Option α) → (subtrees : List (Option α)) → Option α
  | right, [] => right
  | right, none :: larger => join node right larger
  | none, some left :: larger => join node (some left) larger
  | some right, some left :: larger => join node (some (node left right)) larger

/-- The subtrees over leaves that were appended one after the other. -/
def grown (hash : Bytes → Bytes) (leaves : List Bytes) : List (Option Bytes) :=
  leaves.foldl (fun subtrees leaf => push (nodeHash hash) subtrees (leafHash hash leaf)) []

/-- The root of a grown tree. -/
def grownRoot (hash : Bytes → Bytes) (subtrees : List (Option Bytes)) : Bytes :=
  (join (nodeHash hash) none subtrees).getD (hash [])

end Merkle

namespace Claim
open Merkle

/-- A tree that was grown leaf by leaf has the root over its leaves: the roots of the perfect
subtrees are enough. -/
def grown_tree_has_the_root_over_its_leaves : Prop :=
  ∀ (hash : Bytes → Bytes) (leaves : List Bytes),
    grownRoot hash (grown hash leaves) = root hash leaves

end Claim

/-!
## Trace roots

Clause MRK-2 of `spec/rules.md`: the root of a trace is the Merkle root over its events in canonical
order, a leaf being an event's bytes. `impl/kernel/merkle` has it as `TraceRoot`.
-/

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
