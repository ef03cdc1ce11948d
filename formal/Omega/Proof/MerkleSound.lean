module

public import Omega.Proof.MerkleLemmas

/-! # What is hashed: where something is forged two different inputs have one hash -/

@[expose] public noncomputable section

namespace Omega.Merkle

variable {α : Type} {hash : Bytes → Bytes}

theorem CollisionBetween.mono {a b c d : List Bytes} (h : CollisionBetween hash a b)
    (ha : ∀ x ∈ a, x ∈ c) (hb : ∀ x ∈ b, x ∈ d) : CollisionBetween hash c d := by
  obtain ⟨x, hx, y, hy, hne, he⟩ := h
  exact ⟨x, ha x hx, y, hb y hy, hne, he⟩

/-- Two inputs with one hash are equal or collide. -/
theorem equal_or_collide (x y : Bytes) (h : hash x = hash y) :
    x = y ∨ CollisionBetween hash [x] [y] := by
  by_cases e : x = y
  · exact Or.inl e
  · exact Or.inr ⟨x, List.mem_singleton_self x, y, List.mem_singleton_self y, e, h⟩

/-- Two nodes with one hash, whose left parts are equally long, have equal parts or collide. -/
theorem node_equal_or_collide {a b c d : Bytes} (hl : a.length = c.length)
    (h : nodeHash hash a b = nodeHash hash c d) :
    (a = c ∧ b = d) ∨ CollisionBetween hash [1 :: (a ++ b)] [1 :: (c ++ d)] := by
  rcases equal_or_collide (1 :: (a ++ b)) (1 :: (c ++ d)) h with e | e
  · exact Or.inl (List.append_inj (List.cons.inj e).2 hl)
  · exact Or.inr e

theorem pairInputs_small (xs : List Bytes) (h : xs.length ≤ 1) : pairInputs xs = [] := by
  match xs, h with
  | [], _ => rfl
  | [_], _ => rfl

theorem mem_pairInputs (xs : List Bytes) (j : Nat) (a b : Bytes)
    (ha : xs[2 * j]? = some a) (hb : xs[2 * j + 1]? = some b) :
    (1 :: (a ++ b)) ∈ pairInputs xs := by
  induction j generalizing xs with
  | zero =>
    match xs, ha, hb with
    | x :: y :: rest, ha, hb => simp_all [pairInputs]
  | succ j ih =>
    match xs, ha, hb with
    | x :: y :: rest, ha, hb =>
      have e : 2 * (j + 1) = 2 * j + 1 + 1 := by omega
      rw [e] at ha hb
      simp only [List.getElem?_cons_succ] at ha hb
      exact List.mem_cons_of_mem _ (ih rest ha hb)

theorem riseInputs_small (n : Nat) (xs : List Bytes) (h : xs.length ≤ 1) :
    riseInputs hash n xs = [] := by
  induction n with
  | zero => rfl
  | succ n ih => rw [riseInputs, pairInputs_small xs h, pairUp_small _ xs h, ih]; rfl

/-- Levels above the top hash nothing. -/
theorem riseInputs_enough (n k : Nat) (xs : List Bytes) (h : xs.length ≤ n + 1) :
    riseInputs hash (n + k) xs = riseInputs hash n xs := by
  induction n generalizing xs with
  | zero => rw [riseInputs_small _ xs h, riseInputs_small _ xs h]
  | succ n ih =>
    rw [Nat.succ_add, riseInputs, riseInputs, ih]
    rw [pairUp_length]; omega

theorem riseInputs_rise (n up : Nat) (xs : List Bytes) :
    ∀ x ∈ riseInputs hash n (rise (nodeHash hash) up xs), x ∈ riseInputs hash (up + n) xs := by
  induction up generalizing xs with
  | zero => rw [Nat.zero_add]; exact fun _ hx => hx
  | succ up ih =>
    intro x hx
    rw [Nat.succ_add, riseInputs]
    exact List.mem_append_right _ (ih _ x hx)

theorem pairUp_all (hw : ∀ input, (hash input).length = 32) (xs : List Bytes)
    (h : ∀ x ∈ xs, x.length = 32) : ∀ x ∈ pairUp (nodeHash hash) xs, x.length = 32 := by
  fun_induction pairUp (nodeHash hash) xs with
  | case1 a b rest ih =>
    intro x hx
    rcases List.mem_cons.mp hx with rfl | hx
    · exact hw _
    · exact ih (fun y hy => h y (List.mem_cons_of_mem _ (List.mem_cons_of_mem _ hy))) x hx
  | case2 rest hr => exact h

theorem rise_all (hw : ∀ input, (hash input).length = 32) (n : Nat) (xs : List Bytes)
    (h : ∀ x ∈ xs, x.length = 32) : ∀ x ∈ rise (nodeHash hash) n xs, x.length = 32 := by
  induction n generalizing xs with
  | zero => exact h
  | succ n ih => exact ih _ (pairUp_all hw xs h)

/-- A climb that leads to the top of a level began at the node there and followed its path, or two
different inputs have one hash. -/
theorem climb_sound (hw : ∀ input, (hash input).length = 32) (empty : Bytes)
    (levels steps above index : Nat) (start left goal side : Bytes) (proof xs : List Bytes)
    (hl : xs.length ≤ levels) (hs : xs.length ≤ steps) (ha : xs.length ≤ above + 1)
    (hi : index < xs.length) (hx : ∀ x ∈ xs, x.length = 32) (hstart : start.length = 32)
    (hc : climb (nodeHash hash) levels index xs.length start left proof = some (goal, side))
    (hg : goal = top (nodeHash hash) empty xs) :
    (xs[index]? = some start ∧ proof = path (nodeHash hash) steps index xs) ∨
      CollisionBetween hash (climbInputs hash levels index xs.length start proof)
        (riseInputs hash above xs) := by
  induction levels generalizing steps above index start left proof xs with
  | zero => omega
  | succ levels ih =>
    rw [climb.eq_def] at hc
    dsimp only at hc
    split at hc
    · next h1 =>
      have h0 : index = 0 := by omega
      subst h0
      split at hc
      · next hp =>
        simp only [Option.some.injEq, Prod.mk.injEq] at hc
        left
        match xs, hi, h1, hg with
        | [a], _, _, hg =>
          rw [path_small _ _ [a] (by simp), List.isEmpty_iff.mp hp, hc.1, hg]
          exact ⟨rfl, rfl⟩
        | a :: b :: r, _, h1, _ => simp at h1
      · simp at hc
    · next h1 =>
      obtain ⟨steps, rfl⟩ : ∃ k, steps = k + 1 := ⟨steps - 1, by omega⟩
      obtain ⟨above, rfl⟩ : ∃ k, above = k + 1 := ⟨above - 1, by omega⟩
      have hp := pairUp_length (nodeHash hash) xs
      have hxs := pairUp_all hw xs hx
      rw [← top_pairUp] at hg
      rw [← hp] at hc
      rw [path, climbInputs.eq_def, riseInputs]
      dsimp only
      rw [← hp]
      split at hc
      · next h2 =>
        obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j := ⟨index / 2, by omega⟩
        have hn : xs[2 * j + 1]? = none := List.getElem?_eq_none (by omega)
        have he : ¬ (2 * j % 2 = 1) := by omega
        have hd : 2 * j / 2 = j := by omega
        rw [hd] at hc
        rw [if_pos h2]
        simp only [he, if_false, hn, Option.toList_none, List.nil_append, hd]
        rcases ih steps above j start left proof (pairUp (nodeHash hash) xs) (by omega) (by omega)
          (by omega) (by omega) hxs hstart hc hg with ⟨hn1, hn2⟩ | hcol
        · left
          have := pairUp_alone (nodeHash hash) xs j xs[2 * j] (List.getElem?_eq_getElem _) (by omega)
          rw [this] at hn1
          exact ⟨by rw [List.getElem?_eq_getElem hi]; exact hn1, hn2⟩
        · right
          exact CollisionBetween.mono hcol (fun _ h => h) (fun _ h => List.mem_append_right _ h)
      · next h2 =>
        rw [if_neg h2]
        match proof, hc with
        | s :: rest, hc =>
        dsimp only at hc ⊢
        by_cases ho : index % 2 = 1
        · obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j + 1 := ⟨index / 2, by omega⟩
          have hd : (2 * j + 1) / 2 = j := by omega
          have ha0 : xs[2 * j]? = some xs[2 * j] := List.getElem?_eq_getElem (by omega)
          have ha1 : xs[2 * j + 1]? = some xs[2 * j + 1] := List.getElem?_eq_getElem (by omega)
          have hpair := pairUp_pair (nodeHash hash) xs j _ _ ha0 ha1
          simp only [if_pos ho, hd] at hc ⊢
          simp only [Nat.add_sub_cancel, ha0, Option.toList_some, List.cons_append,
            List.nil_append]
          rcases ih steps above j _ _ rest (pairUp (nodeHash hash) xs) (by omega) (by omega)
            (by omega) (by omega) hxs (hw _) hc hg with ⟨hn1, hn2⟩ | hcol
          · rw [hpair, Option.some.injEq] at hn1
            rcases equal_or_collide (1 :: (xs[2 * j] ++ xs[2 * j + 1])) (1 :: (s ++ start)) hn1 with e | e
            · left
              have e := (List.cons.inj e).2
              have := List.append_inj' e
                (by rw [hx _ (List.getElem_mem _), hstart])
              exact ⟨by rw [ha1, this.2], by rw [this.1, hn2]⟩
            · right
              obtain ⟨x, hx1, y, hy1, hne, heq⟩ := e
              rw [List.mem_singleton] at hx1 hy1
              subst hx1 hy1
              exact ⟨_, List.mem_cons_self, _,
                List.mem_append_left _ (mem_pairInputs xs j _ _ ha0 ha1), hne.symm, heq.symm⟩
          · right
            exact CollisionBetween.mono hcol (fun _ h => List.mem_cons_of_mem _ h)
              (fun _ h => List.mem_append_right _ h)
        · obtain ⟨j, rfl⟩ : ∃ j, index = 2 * j := ⟨index / 2, by omega⟩
          have hd : 2 * j / 2 = j := by omega
          have ha0 : xs[2 * j]? = some xs[2 * j] := List.getElem?_eq_getElem (by omega)
          have ha1 : xs[2 * j + 1]? = some xs[2 * j + 1] := List.getElem?_eq_getElem (by omega)
          have hpair := pairUp_pair (nodeHash hash) xs j _ _ ha0 ha1
          simp only [if_neg ho, hd] at hc ⊢
          simp only [ha1, Option.toList_some, List.cons_append, List.nil_append]
          rcases ih steps above j _ _ rest (pairUp (nodeHash hash) xs) (by omega) (by omega)
            (by omega) (by omega) hxs (hw _) hc hg with ⟨hn1, hn2⟩ | hcol
          · rw [hpair, Option.some.injEq] at hn1
            rcases equal_or_collide (1 :: (xs[2 * j] ++ xs[2 * j + 1])) (1 :: (start ++ s)) hn1 with e | e
            · left
              have e := (List.cons.inj e).2
              have := List.append_inj e
                (by rw [hx _ (List.getElem_mem _), hstart])
              exact ⟨by rw [ha0, this.1], by rw [this.2, hn2]⟩
            · right
              obtain ⟨x, hx1, y, hy1, hne, heq⟩ := e
              rw [List.mem_singleton] at hx1 hy1
              subst hx1 hy1
              exact ⟨_, List.mem_cons_self, _,
                List.mem_append_left _ (mem_pairInputs xs j _ _ ha0 ha1), hne.symm, heq.symm⟩
          · right
            exact CollisionBetween.mono hcol (fun _ h => List.mem_cons_of_mem _ h)
              (fun _ h => List.mem_append_right _ h)

/-! Trees as such, for lists of different lengths. -/

/-- A tree over leaves. -/
inductive Tree where
  | leaf (data : Bytes)
  | node (left right : Tree)

namespace Tree

/-- The tree's hash. -/
def hashed (hash : Bytes → Bytes) : Tree → Bytes
  | leaf data => leafHash hash data
  | node left right => nodeHash hash (left.hashed hash) (right.hashed hash)

/-- The tree's leaves. -/
def leaves : Tree → List Bytes
  | leaf data => [data]
  | node left right => left.leaves ++ right.leaves

/-- What is hashed for the tree's nodes. -/
def nodeInputs (hash : Bytes → Bytes) : Tree → List Bytes
  | leaf _ => []
  | node left right => (1 :: (left.hashed hash ++ right.hashed hash)) ::
      (left.nodeInputs hash ++ right.nodeInputs hash)

/-- What is hashed for the tree. -/
def inputs (hash : Bytes → Bytes) (t : Tree) : List Bytes :=
  t.leaves.map (0 :: ·) ++ t.nodeInputs hash

theorem hashed_length (hw : ∀ input, (hash input).length = 32) (t : Tree) :
    (t.hashed hash).length = 32 := by
  cases t <;> exact hw _

theorem inputs_left (l r : Tree) : ∀ x ∈ l.inputs hash, x ∈ (node l r).inputs hash := by
  intro x hx
  simp only [inputs, leaves, nodeInputs, List.map_append, List.mem_append, List.mem_cons] at hx ⊢
  rcases hx with h | h
  · exact Or.inl (Or.inl h)
  · exact Or.inr (Or.inr (Or.inl h))

theorem inputs_right (l r : Tree) : ∀ x ∈ r.inputs hash, x ∈ (node l r).inputs hash := by
  intro x hx
  simp only [inputs, leaves, nodeInputs, List.map_append, List.mem_append, List.mem_cons] at hx ⊢
  rcases hx with h | h
  · exact Or.inl (Or.inr h)
  · exact Or.inr (Or.inr (Or.inr h))

theorem input_of_leaf (d : Bytes) : (0 :: d) ∈ (leaf d).inputs hash := by
  simp only [inputs, leaves, nodeInputs, List.map_cons, List.map_nil, List.append_nil,
    List.mem_singleton]

theorem input_of_node (l r : Tree) :
    (1 :: (l.hashed hash ++ r.hashed hash)) ∈ (node l r).inputs hash := by
  simp only [inputs, nodeInputs, List.mem_append, List.mem_cons]
  exact Or.inr (Or.inl trivial)

theorem zero_ne_one (a b : Bytes) : (0 :: a : Bytes) ≠ 1 :: b := by
  intro h
  exact absurd (List.cons.inj h).1 (by decide)

/-- Two trees with one hash are one tree or collide. -/
theorem equal_or_collide (hw : ∀ input, (hash input).length = 32) (t u : Tree)
    (h : t.hashed hash = u.hashed hash) :
    t = u ∨ CollisionBetween hash (t.inputs hash) (u.inputs hash) := by
  induction t generalizing u with
  | leaf d =>
    cases u with
    | leaf e =>
      rcases Merkle.equal_or_collide (0 :: d) (0 :: e) h with he | he
      · exact Or.inl (by rw [(List.cons.inj he).2])
      · exact Or.inr (CollisionBetween.mono he
          (fun x hx => by rw [List.mem_singleton.mp hx]; exact input_of_leaf d)
          (fun x hx => by rw [List.mem_singleton.mp hx]; exact input_of_leaf e))
    | node l r =>
      exact Or.inr ⟨_, input_of_leaf d, _, input_of_node l r, zero_ne_one _ _, h⟩
  | node l r ihl ihr =>
    cases u with
    | leaf e =>
      exact Or.inr ⟨_, input_of_node l r, _, input_of_leaf e, (zero_ne_one _ _).symm, h⟩
    | node l' r' =>
      rcases node_equal_or_collide (by rw [hashed_length hw, hashed_length hw]) h with he | he
      · rcases ihl l' he.1 with hl | hl
        · rcases ihr r' he.2 with hr | hr
          · exact Or.inl (by rw [hl, hr])
          · exact Or.inr (CollisionBetween.mono hr (inputs_right l r) (inputs_right l' r'))
        · exact Or.inr (CollisionBetween.mono hl (inputs_left l r) (inputs_left l' r'))
      · exact Or.inr (CollisionBetween.mono he
          (fun x hx => by rw [List.mem_singleton.mp hx]; exact input_of_node l r)
          (fun x hx => by rw [List.mem_singleton.mp hx]; exact input_of_node l' r'))

theorem pairUp_leaves (ts : List Tree) :
    (pairUp node ts).flatMap leaves = ts.flatMap leaves := by
  fun_induction pairUp node ts with
  | case1 a b rest ih => simp only [List.flatMap_cons, ih, leaves, List.append_assoc]
  | case2 rest hr => rfl

theorem rise_leaves (n : Nat) (ts : List Tree) :
    (rise node n ts).flatMap leaves = ts.flatMap leaves := by
  induction n generalizing ts with
  | zero => rfl
  | succ n ih => rw [rise, ih, pairUp_leaves]

theorem rise_hashed (n : Nat) (ts : List Tree) :
    (rise node n ts).map (hashed hash) = rise (nodeHash hash) n (ts.map (hashed hash)) := by
  induction n generalizing ts with
  | zero => rfl
  | succ n ih => rw [rise, ih, rise, pairUp_map (hashed hash) node (nodeHash hash) (fun _ _ => rfl)]

theorem pairUp_inputs (ts : List Tree) (x : Bytes)
    (hx : x ∈ (pairUp node ts).flatMap (nodeInputs hash)) :
    x ∈ pairInputs (ts.map (hashed hash)) ∨ x ∈ ts.flatMap (nodeInputs hash) := by
  fun_induction pairUp node ts with
  | case1 a b rest ih =>
    simp only [List.flatMap_cons, nodeInputs, List.map_cons, pairInputs, List.mem_cons,
      List.mem_append] at hx ⊢
    rcases hx with (h | h | h) | h
    · exact Or.inl (Or.inl h)
    · exact Or.inr (Or.inl h)
    · exact Or.inr (Or.inr (Or.inl h))
    · rcases ih h with h | h
      · exact Or.inl (Or.inr h)
      · exact Or.inr (Or.inr (Or.inr h))
  | case2 rest hr => exact Or.inr hx

theorem rise_inputs (n : Nat) (ts : List Tree) (x : Bytes)
    (hx : x ∈ (rise node n ts).flatMap (nodeInputs hash)) :
    x ∈ riseInputs hash n (ts.map (hashed hash)) ∨ x ∈ ts.flatMap (nodeInputs hash) := by
  induction n generalizing ts with
  | zero => exact Or.inr hx
  | succ n ih =>
    rw [riseInputs, ← pairUp_map (hashed hash) node (nodeHash hash) (fun _ _ => rfl)]
    rcases ih _ hx with h | h
    · exact Or.inl (List.mem_append_right _ h)
    · rcases pairUp_inputs ts x h with h | h
      · exact Or.inl (List.mem_append_left _ h)
      · exact Or.inr h

end Tree

theorem rise_one (node : α → α → α) (n : Nat) (xs : List α) (h0 : 0 < xs.length)
    (h : xs.length ≤ n + 1) : ∃ x, rise node n xs = [x] := by
  induction n generalizing xs with
  | zero => exact List.length_eq_one_iff.mp (by rw [rise]; omega)
  | succ n ih => exact ih _ (by rw [pairUp_length]; omega) (by rw [pairUp_length]; omega)

/-- The root over leaves is the hash of a tree that has these leaves and hashes nothing else. -/
theorem root_is_of_a_tree (leaves : List Bytes) (h : leaves ≠ []) :
    ∃ t : Tree, t.leaves = leaves ∧ t.hashed hash = root hash leaves ∧
      ∀ x ∈ t.inputs hash, x ∈ rootInputs hash leaves := by
  have hm : (leaves.map Tree.leaf).map (Tree.hashed hash) = leaves.map (leafHash hash) := by
    rw [List.map_map]; rfl
  have hlen : 0 < leaves.length := List.length_pos_iff.mpr h
  obtain ⟨t, ht⟩ := rise_one Tree.node leaves.length (leaves.map Tree.leaf)
    (by rw [List.length_map]; exact hlen) (by rw [List.length_map]; omega)
  have hf : t.leaves = leaves := by
    have := Tree.rise_leaves leaves.length (leaves.map Tree.leaf)
    rw [ht, List.flatMap_singleton, List.flatMap_map] at this
    rw [this]
    exact List.flatMap_singleton' leaves
  refine ⟨t, hf, ?_, ?_⟩
  · have := Tree.rise_hashed (hash := hash) leaves.length (leaves.map Tree.leaf)
    rw [ht, hm] at this
    rw [root, top, List.length_map, ← this]
    rfl
  · intro x hx
    rw [Tree.inputs, hf, List.mem_append] at hx
    rw [rootInputs, if_neg (by rw [List.isEmpty_iff]; exact h), List.mem_append]
    rcases hx with hx | hx
    · exact Or.inl hx
    · right
      have := Tree.rise_inputs (hash := hash) leaves.length (leaves.map Tree.leaf) x
        (by rw [ht, List.flatMap_singleton]; exact hx)
      rw [hm] at this
      rcases this with h | h
      · exact h
      · rw [List.flatMap_map] at h
        obtain ⟨d, _, hd⟩ := List.mem_flatMap.mp h
        exact absurd hd List.not_mem_nil

end Omega.Merkle
