module

public import Omega.Spec.Merkle

/-! # The shape of Merkle trees -/

@[expose] public noncomputable section

namespace Omega.Merkle

variable {α β : Type}

/-! ## Levels, paths, and what climbing a path gives -/

theorem pairUp_length (node : α → α → α) (xs : List α) :
    (pairUp node xs).length = (xs.length + 1) / 2 := by
  fun_induction pairUp node xs with
  | case1 a b rest ih => simp only [List.length_cons, ih]; omega
  | case2 rest h =>
    match rest, h with
    | [], _ => simp
    | [_], _ => simp
    | a :: b :: r, h => exact absurd rfl (h a b r)

theorem pairUp_small (node : α → α → α) (xs : List α) (h : xs.length ≤ 1) :
    pairUp node xs = xs := by
  match xs, h with
  | [], _ => rfl
  | [_], _ => rfl

theorem pairUp_map (f : α → β) (node : α → α → α) (node' : β → β → β)
    (h : ∀ a b, f (node a b) = node' (f a) (f b)) (xs : List α) :
    (pairUp node xs).map f = pairUp node' (xs.map f) := by
  fun_induction pairUp node xs with
  | case1 a b rest ih => simp only [List.map_cons, pairUp, h, ih]
  | case2 rest hr =>
    match rest, hr with
    | [], _ => rfl
    | [_], _ => rfl
    | a :: b :: r, hr => exact absurd rfl (hr a b r)

/-- The node over a pair. -/
theorem pairUp_pair (node : α → α → α) (xs : List α) (j : Nat) (a b : α)
    (ha : xs[2 * j]? = some a) (hb : xs[2 * j + 1]? = some b) :
    (pairUp node xs)[j]? = some (node a b) := by
  induction j generalizing xs with
  | zero =>
    match xs, ha, hb with
    | x :: y :: rest, ha, hb => simp_all [pairUp]
  | succ j ih =>
    match xs, ha, hb with
    | x :: y :: rest, ha, hb =>
      have e : 2 * (j + 1) = 2 * j + 1 + 1 := by omega
      rw [e] at ha hb
      simp only [List.getElem?_cons_succ] at ha hb
      simp only [pairUp, List.getElem?_cons_succ]
      exact ih rest ha hb

/-- A last node without a neighbour goes up as it is. -/
theorem pairUp_alone (node : α → α → α) (xs : List α) (j : Nat) (a : α)
    (ha : xs[2 * j]? = some a) (hl : xs.length = 2 * j + 1) :
    (pairUp node xs)[j]? = some a := by
  induction j generalizing xs with
  | zero =>
    match xs, ha, hl with
    | [x], ha, _ => simpa [pairUp] using ha
  | succ j ih =>
    match xs, ha, hl with
    | x :: y :: rest, ha, hl =>
      have e : 2 * (j + 1) = 2 * j + 1 + 1 := by omega
      rw [e] at ha
      simp only [List.getElem?_cons_succ] at ha
      simp only [List.length_cons] at hl
      simp only [pairUp, List.getElem?_cons_succ]
      exact ih rest ha (by omega)

theorem pairUp_append (node : α → α → α) (xs ys : List α) (h : xs.length % 2 = 0) :
    pairUp node (xs ++ ys) = pairUp node xs ++ pairUp node ys := by
  fun_induction pairUp node xs with
  | case1 a b rest ih =>
    simp only [List.length_cons] at h
    simp only [List.cons_append, pairUp, ih (by omega)]
  | case2 rest hr =>
    match rest, hr, h with
    | [], _, _ => rfl
    | a :: b :: r, hr, _ => exact absurd rfl (hr a b r)

theorem pairUp_take (node : α → α → α) (xs : List α) (j : Nat) (h : 2 * j ≤ xs.length) :
    pairUp node (xs.take (2 * j)) = (pairUp node xs).take j := by
  induction j generalizing xs with
  | zero => simp [pairUp]
  | succ j ih =>
    match xs, h with
    | x :: y :: rest, h =>
      have e : 2 * (j + 1) = 2 * j + 1 + 1 := by omega
      simp only [List.length_cons] at h
      rw [e]
      simp only [List.take_succ_cons, pairUp, ih rest (by omega)]

theorem pairUp_take_alone (node : α → α → α) (xs : List α) (j : Nat) (a : α)
    (h : 2 * j ≤ xs.length) :
    pairUp node (xs.take (2 * j) ++ [a]) = (pairUp node xs).take j ++ [a] := by
  rw [pairUp_append, pairUp_take node xs j h]
  · rfl
  · rw [List.length_take]; omega

theorem pairUp_take_pair (node : α → α → α) (xs : List α) (j : Nat) (a s : α)
    (hs : xs[2 * j]? = some s) :
    pairUp node (xs.take (2 * j + 1) ++ [a]) = (pairUp node xs).take j ++ [node s a] := by
  have hl : 2 * j < xs.length := by
    rcases Nat.lt_or_ge (2 * j) xs.length with h | h
    · exact h
    · simp [List.getElem?_eq_none h] at hs
  have e : xs.take (2 * j + 1) ++ [a] = xs.take (2 * j) ++ [s, a] := by
    rw [List.take_add_one, hs]; simp
  rw [e, pairUp_append, pairUp_take node xs j (by omega)]
  · rfl
  · rw [List.length_take]; omega

theorem rise_small (node : α → α → α) (n : Nat) (xs : List α) (h : xs.length ≤ 1) :
    rise node n xs = xs := by
  induction n with
  | zero => rfl
  | succ n ih => rw [rise, pairUp_small node xs h, ih]

theorem rise_succ (node : α → α → α) (n : Nat) (xs : List α) (h : xs.length ≤ n + 1) :
    rise node (n + 1) xs = rise node n xs := by
  induction n generalizing xs with
  | zero => exact pairUp_small node xs h
  | succ n ih =>
    rw [rise, rise.eq_def node (n + 1) xs]
    exact ih _ (by rw [pairUp_length]; omega)

theorem rise_more (node : α → α → α) (n k : Nat) (xs : List α) (h : xs.length ≤ n + 1) :
    rise node (n + k) xs = rise node n xs := by
  induction k with
  | zero => rfl
  | succ k ih => rw [← Nat.add_assoc, rise_succ node _ xs (by omega), ih]

theorem rise_add (node : α → α → α) (m n : Nat) (xs : List α) :
    rise node (m + n) xs = rise node n (rise node m xs) := by
  induction m generalizing xs with
  | zero => rw [Nat.zero_add]; rfl
  | succ m ih => rw [Nat.succ_add_eq_add_succ, Nat.add_succ, rise, ih, rise]

theorem rise_length (node : α → α → α) (n : Nat) (xs : List α) :
    (rise node n xs).length ≤ xs.length := by
  induction n generalizing xs with
  | zero => exact Nat.le_refl _
  | succ n ih =>
    rw [rise]
    refine Nat.le_trans (ih _) ?_
    rw [pairUp_length]
    match xs with
    | [] => simp
    | _ :: _ => simp only [List.length_cons]; omega

/-- More levels than there are nodes lead to the top. -/
theorem top_of_rise (node : α → α → α) (empty : α) (n : Nat) (xs : List α)
    (h : xs.length ≤ n + 1) : top node empty xs = (rise node n xs).headD empty := by
  rw [top]
  rcases Nat.le_total n xs.length with hn | hn
  · obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le hn
    rw [hk, rise_more node n k xs h]
  · obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le hn
    rw [hk, rise_more node xs.length k xs (by omega)]

theorem top_rise (node : α → α → α) (empty : α) (n : Nat) (xs : List α) :
    top node empty (rise node n xs) = top node empty xs := by
  rw [top_of_rise node empty (n + xs.length) xs (by omega), rise_add,
    top_of_rise node empty xs.length (rise node n xs)]
  exact Nat.le_succ_of_le (rise_length node n xs)

theorem top_pairUp (node : α → α → α) (empty : α) (xs : List α) :
    top node empty (pairUp node xs) = top node empty xs :=
  top_rise node empty 1 xs

theorem top_one (node : α → α → α) (empty a : α) : top node empty [a] = a := rfl

theorem path_small (node : α → α → α) (n : Nat) (xs : List α) (h : xs.length ≤ 1) :
    path node n 0 xs = [] := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [path, pairUp_small node xs h]
    simp [List.getElem?_eq_none h, ih]

/-- Climbing a node's path leads to the top; what stands to the left, with `left` in the node's
place, makes up the top over that. -/
theorem climb_path (node : α → α → α) (empty : α) (levels steps index : Nat) (start left : α)
    (xs : List α) (hl : xs.length ≤ levels) (hs : xs.length ≤ steps)
    (hi : xs[index]? = some start) :
    climb node levels index xs.length start left (path node steps index xs) =
      some (top node empty xs, top node empty (xs.take index ++ [left])) := by
  induction levels generalizing steps index start left xs with
  | zero => simp [List.length_eq_zero_iff.mp (Nat.le_zero.mp hl)] at hi
  | succ levels ih =>
    have hx : index < xs.length := by
      rcases Nat.lt_or_ge index xs.length with h | h
      · exact h
      · simp [List.getElem?_eq_none h] at hi
    rw [climb.eq_def]
    dsimp only
    split
    · next h1 =>
      have h0 : index = 0 := by omega
      subst h0
      match xs, hi, h1 with
      | [a], hi, _ =>
        have : a = start := by simpa using hi
        subst this
        rw [path_small node steps [a] (by simp)]
        simp [top_one]
      | a :: b :: r, _, h1 => simp at h1
    · next h1 =>
      obtain ⟨steps, rfl⟩ : ∃ k, steps = k + 1 := ⟨steps - 1, by omega⟩
      have hp := pairUp_length node xs
      rw [← hp, path]
      split
      · next h2 =>
        obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j := ⟨index / 2, by omega⟩
        have hn : xs[2 * j + 1]? = none := List.getElem?_eq_none (by omega)
        have he : ¬ (2 * j % 2 = 1) := by omega
        have hd : 2 * j / 2 = j := by omega
        simp only [he, if_false, hn, Option.toList_none, List.nil_append, hd]
        rw [ih steps j start left (pairUp node xs) (by omega) (by omega)
          (pairUp_alone node xs j start hi (by omega)), top_pairUp,
          ← pairUp_take_alone node xs j left (by omega), top_pairUp]
      · next h2 =>
        by_cases ho : index % 2 = 1
        · obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j + 1 := ⟨index / 2, by omega⟩
          have hd : (2 * j + 1) / 2 = j := by omega
          obtain ⟨s, hsib⟩ : ∃ s, xs[2 * j]? = some s :=
            ⟨xs[2 * j], List.getElem?_eq_getElem (by omega)⟩
          simp only [ho, if_true, Nat.add_sub_cancel, hsib, Option.toList_some, hd,
            List.cons_append, List.nil_append]
          rw [ih steps j _ _ (pairUp node xs) (by omega) (by omega)
            (pairUp_pair node xs j s start hsib hi), top_pairUp,
            ← pairUp_take_pair node xs j left s hsib, top_pairUp]
        · obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j := ⟨index / 2, by omega⟩
          have hd : 2 * j / 2 = j := by omega
          obtain ⟨s, hsib⟩ : ∃ s, xs[2 * j + 1]? = some s :=
            ⟨xs[2 * j + 1], List.getElem?_eq_getElem (by omega)⟩
          simp only [ho, if_false, hsib, Option.toList_some, hd,
            List.cons_append, List.nil_append]
          rw [ih steps j _ _ (pairUp node xs) (by omega) (by omega)
            (pairUp_pair node xs j start s hi hsib), top_pairUp,
            ← pairUp_take_alone node xs j left (by omega), top_pairUp]

/-- How many hashes a climb takes depends on index and size alone. -/
theorem climb_length (node node' : α → α → α) (levels index size : Nat) (a b a' b' : α)
    (proof proof' : List α) (h : (climb node levels index size a b proof).isSome)
    (h' : (climb node' levels index size a' b' proof').isSome) :
    proof.length = proof'.length := by
  induction levels generalizing index size a b a' b' proof proof' with
  | zero => simp [climb] at h
  | succ levels ih =>
    rw [climb.eq_def] at h h'
    dsimp only at h h'
    split at h
    · next h1 =>
      rw [if_pos h1] at h'
      cases proof <;> cases proof' <;> simp_all
    · next h1 =>
      rw [if_neg h1] at h'
      split at h
      · next h2 =>
        rw [if_pos h2] at h'
        exact ih _ _ _ _ _ _ _ _ h h'
      · next h2 =>
        rw [if_neg h2] at h'
        match proof, proof', h, h' with
        | s :: r, s' :: r', h, h' =>
          simp only [List.length_cons, Nat.add_right_cancel_iff]
          dsimp only at h h'
          split at h
          · next h3 =>
            rw [if_pos h3] at h'
            exact ih _ _ _ _ _ _ _ _ h h'
          · next h3 =>
            rw [if_neg h3] at h'
            exact ih _ _ _ _ _ _ _ _ h h'

/-- Where the older tree's last perfect subtree stands: number `index` from 1, which is odd, of
the `count` nodes of its level, and the first `index` of these make up the older tree. -/
theorem meet_spec (node : α → α → α) (levels old up index count : Nat) (xs : List α)
    (h0 : 0 < old) (hl : old ≤ levels) (hx : old ≤ xs.length)
    (h : meet levels old xs.length = (up, index, count)) :
    0 < index ∧ index ≤ count ∧ count = (rise node up xs).length ∧
      rise node up (xs.take old) = (rise node up xs).take index := by
  induction levels generalizing old up index count xs with
  | zero => omega
  | succ levels ih =>
    rw [meet] at h
    split at h
    · next he =>
      obtain ⟨j, rfl⟩ : ∃ j, old = 2 * j := ⟨old / 2, by omega⟩
      have hd : 2 * j / 2 = j := by omega
      have hp := pairUp_length node xs
      rw [hd, ← hp] at h
      simp only [Prod.mk.injEq] at h
      obtain ⟨h1, h2, h3⟩ := h
      subst h1
      have := ih j (meet levels j (pairUp node xs).length).1 index count (pairUp node xs)
        (by omega) (by omega) (by omega) (by rw [← h2, ← h3])
      rw [rise, rise, pairUp_take node xs j hx]
      exact this
    · simp only [Prod.mk.injEq] at h
      obtain ⟨rfl, rfl, rfl⟩ := h
      exact ⟨h0, hx, rfl, rfl⟩

end Omega.Merkle

namespace Omega

/-! ## A tree that grows at its end -/

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
