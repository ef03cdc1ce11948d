module

public import Omega.Spec.Merkle
public import Omega.Proof.MerkleLemmas

/-! # Proofs about a tree that grows at its end -/

@[expose] public noncomputable section

namespace Omega

namespace Merkle

variable {α : Type}

/-- The subtrees are those over the nodes. -/
inductive Holds (node : α → α → α) : List (Option α) → List α → Prop
  | nil : Holds node [] []
  | even {larger : List (Option α)} {xs : List α} :
    xs.length % 2 = 0 → Holds node larger (pairUp node xs) → Holds node (none :: larger) xs
  | odd {larger : List (Option α)} {xs : List α} {x : α} :
    xs.length % 2 = 0 → Holds node larger (pairUp node xs) →
      Holds node (some x :: larger) (xs ++ [x])

theorem holds_push (node : α → α → α) {subtrees : List (Option α)} {xs : List α} (leaf : α)
    (h : Holds node subtrees xs) : Holds node (push node subtrees leaf) (xs ++ [leaf]) := by
  induction h generalizing leaf with
  | nil => exact Holds.odd (xs := []) rfl Holds.nil
  | even he hl _ => exact Holds.odd he hl
  | @odd larger xs x he hl ih =>
    refine Holds.even ?_ ?_
    · simp only [List.length_append, List.length_cons, List.length_nil]
      omega
    · rw [List.append_assoc, pairUp_append node xs _ he]
      exact ih (node x leaf)

theorem join_some (node : α → α → α) (empty : α) {subtrees : List (Option α)} {xs : List α}
    (h : Holds node subtrees xs) (right : α) :
    join node (some right) subtrees = some (top node empty (xs ++ [right])) := by
  induction h generalizing right with
  | nil => rfl
  | @even larger xs he hl ih =>
    rw [join, ih, ← top_pairUp node empty (xs ++ [right]), pairUp_append node xs _ he]
    rfl
  | @odd larger xs x he hl ih =>
    rw [join, ih, List.append_assoc, ← top_pairUp node empty (xs ++ _),
      pairUp_append node xs _ he]
    rfl

theorem join_none (node : α → α → α) (empty : α) {subtrees : List (Option α)} {xs : List α}
    (h : Holds node subtrees xs) (hne : xs ≠ []) :
    join node none subtrees = some (top node empty xs) := by
  induction h with
  | nil => exact absurd rfl hne
  | @even larger xs he hl ih =>
    have hp : pairUp node xs ≠ [] := by
      intro e
      have hl := pairUp_length node xs
      have hpos := List.length_pos_iff.mpr hne
      rw [e, List.length_nil] at hl
      omega
    rw [join, ih hp, top_pairUp]
  | @odd larger xs x he hl ih =>
    rw [join, join_some node empty hl, ← top_pairUp node empty (xs ++ [x]),
      pairUp_append node xs _ he]
    rfl

theorem holds_foldl (hash : Bytes → Bytes) (leaves : List Bytes) (subtrees : List (Option Bytes))
    (xs : List Bytes) (h : Holds (nodeHash hash) subtrees xs) :
    Holds (nodeHash hash)
      (leaves.foldl (fun s leaf => push (nodeHash hash) s (leafHash hash leaf)) subtrees)
      (xs ++ leaves.map (leafHash hash)) := by
  induction leaves generalizing subtrees xs with
  | nil => rw [List.map_nil, List.append_nil]; exact h
  | cons leaf leaves ih =>
    have := ih _ _ (holds_push (nodeHash hash) (leafHash hash leaf) h)
    rw [List.append_assoc] at this
    exact this

end Merkle

open Merkle

theorem Proof.grown_tree_has_the_root_over_its_leaves :
    Claim.grown_tree_has_the_root_over_its_leaves := by
  intro hash leaves
  cases leaves with
  | nil => rfl
  | cons leaf more =>
    have h := holds_foldl hash (leaf :: more) [] [] Holds.nil
    rw [grownRoot, grown, join_none (nodeHash hash) (hash []) h (List.cons_ne_nil _ _)]
    rfl

theorem Witness.grown_tree_has_the_root_over_its_leaves :
    ∃ (_ : Bytes → Bytes) (_ : List Bytes), True :=
  ⟨id, [[1], [2], [3]], trivial⟩

end Omega
