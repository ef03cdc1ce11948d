module

public import Omega.Spec.Merkle

/-!
# A tree that grows at its end

Clauses MRK-3 and CHN-1; `Tree` of `impl/kernel/merkle`. The roots of the perfect subtrees are all
that is kept of the leaves so far: place i, counted from 0, has that of a subtree of 2^i leaves, or
nothing.
-/

@[expose] public noncomputable section

namespace Omega

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

end Omega
