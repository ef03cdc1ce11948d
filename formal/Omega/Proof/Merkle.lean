module

public import Omega.Proof.Codec
public import Omega.Proof.MerkleSound
public import Omega.Proof.Order

/-! # Proofs about Merkle trees and trace roots -/

@[expose] public noncomputable section

namespace Omega

/-! ## Merkle trees -/

namespace Merkle

variable {α : Type} {hash : Bytes → Bytes}

theorem levels_of_power (node : α → α → α) (log : Nat) (xs : List α) (h0 : 0 < xs.length)
    (h : xs.length ≤ 2 ^ log) : ∃ x, rise node log xs = [x] := by
  induction log generalizing xs with
  | zero => exact List.length_eq_one_iff.mp (by rw [rise]; simp only [Nat.pow_zero] at h; omega)
  | succ log ih =>
    rw [Nat.pow_succ] at h
    exact ih _ (by rw [pairUp_length]; omega) (by rw [pairUp_length]; omega)

theorem rise_append (node : α → α → α) (log : Nat) (xs ys : List α) (h : xs.length = 2 ^ log) :
    rise node log (xs ++ ys) = rise node log xs ++ rise node log ys := by
  induction log generalizing xs ys with
  | zero => rfl
  | succ log ih =>
    rw [Nat.pow_succ] at h
    rw [rise, pairUp_append node xs ys (by omega), ih, rise, rise]
    rw [pairUp_length]; omega

theorem lt_power (log : Nat) : log < 2 ^ log := Nat.lt_two_pow_self

theorem top_of_one (node : α → α → α) (empty x : α) (n : Nat) (xs : List α)
    (h : rise node n xs = [x]) : top node empty xs = x := by
  rw [← top_rise node empty n xs, h, top_one]

theorem leaf_hashes_sized (hw : ∀ input, (hash input).length = 32) (leaves : List Bytes) :
    ∀ x ∈ leaves.map (leafHash hash), x.length = 32 := by
  intro x hx
  obtain ⟨d, _, rfl⟩ := List.mem_map.mp hx
  exact hw _

theorem root_length (hw : ∀ input, (hash input).length = 32) (leaves : List Bytes) :
    (root hash leaves).length = 32 := by
  rw [root, top]
  match h : rise (nodeHash hash) (leaves.map (leafHash hash)).length
      (leaves.map (leafHash hash)) with
  | [] => exact hw _
  | x :: _ =>
    exact rise_all hw _ _ (leaf_hashes_sized hw leaves) x (by rw [h]; exact List.mem_cons_self)

/-- What an accepted inclusion proof must be. -/
theorem inclusion_sound (hw : ∀ input, (hash input).length = 32) (leaves : List Bytes)
    (index : Fin leaves.length) (leaf : Bytes) (proof : List Bytes)
    (h : checkInclusion hash (root hash leaves) leaves.length index leaf proof) :
    (leaf = leaves[index] ∧ proof = proveInclusion hash index leaves) ∨
      CollisionBetween hash (inclusionInputs hash leaves.length index leaf proof)
        (rootInputs hash leaves) := by
  have hne : leaves ≠ [] := by
    intro h0
    have := index.isLt
    simp [h0] at this
  have hempty : leaves.isEmpty = false := by
    cases leaves with
    | nil => exact absurd rfl hne
    | cons a l => rfl
  have hlm : (leaves.map (leafHash hash)).length = leaves.length := List.length_map ..
  simp only [checkInclusion, Bool.and_eq_true, decide_eq_true_eq, Option.any_eq_true] at h
  obtain ⟨_, ⟨goal, side⟩, hc, hg⟩ := h
  have hc : climb (nodeHash hash) leaves.length index.val (leaves.map (leafHash hash)).length
      (leafHash hash leaf) (leafHash hash leaf) proof = some (goal, side) := by
    rw [hlm]; exact hc
  have hi : index.val < (leaves.map (leafHash hash)).length := by rw [hlm]; exact index.isLt
  rcases climb_sound hw (hash []) leaves.length leaves.length leaves.length
      index.val (leafHash hash leaf) (leafHash hash leaf) goal side proof
      (leaves.map (leafHash hash)) (by omega) (by omega) (by omega) hi
      (leaf_hashes_sized hw leaves) (hw _) hc hg with ⟨h1, h2⟩ | hcol
  · rw [List.getElem?_map, List.getElem?_eq_getElem index.isLt, Option.map_some,
      Option.some.injEq] at h1
    rcases equal_or_collide (0 :: leaf) (0 :: leaves[index]) h1.symm with e | e
    · exact Or.inl ⟨(List.cons.inj e).2, h2⟩
    · right
      refine CollisionBetween.mono e ?_ ?_
      · intro x hx
        rw [List.mem_singleton.mp hx]
        exact List.mem_cons_self
      · intro x hx
        rw [List.mem_singleton.mp hx, rootInputs, hempty]
        exact List.mem_append_left _ (List.mem_map.mpr ⟨_, List.getElem_mem _, rfl⟩)
  · right
    rw [hlm] at hcol
    refine CollisionBetween.mono hcol (fun x hx => List.mem_cons_of_mem _ hx) ?_
    intro x hx
    rw [rootInputs, hempty]
    exact List.mem_append_right _ hx

/-- What is known where the older tree is neither empty nor all of the newer one. -/
theorem growth_facts (old : Nat) (leaves : List Bytes) (h0 : 0 < old)
    (hl : old < leaves.length) (up index count : Nat)
    (hm : meet old old leaves.length = (up, index, count)) :
    let level := rise (nodeHash hash) up (leaves.map (leafHash hash))
    0 < index ∧ index ≤ level.length ∧ count = level.length ∧ level.length ≤ leaves.length ∧
      top (nodeHash hash) (hash []) level = root hash leaves ∧
      top (nodeHash hash) (hash []) (level.take index) = root hash (leaves.take old) := by
  have hlm : (leaves.map (leafHash hash)).length = leaves.length := List.length_map ..
  rw [← hlm] at hm
  have := meet_spec (nodeHash hash) old old up index count (leaves.map (leafHash hash)) h0
    (Nat.le_refl _) (by omega) hm
  obtain ⟨hi, hic, hcl, ht⟩ := this
  refine ⟨hi, by omega, hcl, ?_, ?_, ?_⟩
  · have := rise_length (nodeHash hash) up (leaves.map (leafHash hash))
    omega
  · rw [top_rise]; rfl
  · rw [← ht, top_rise, ← List.map_take]; rfl

theorem take_before (xs : List α) (i : Nat) (a : α) (h : xs[i]? = some a) :
    xs.take i ++ [a] = xs.take (i + 1) := by
  rw [List.take_add_one, h]; rfl

/-- Climbing the made path from the meeting node gives both roots. -/
theorem growth_climb (old : Nat) (leaves : List Bytes) (h0 : 0 < old) (hl : old < leaves.length)
    (up index count : Nat) (hm : meet old old leaves.length = (up, index, count))
    (start : Bytes)
    (hs : (rise (nodeHash hash) up (leaves.map (leafHash hash)))[index - 1]? = some start) :
    climb (nodeHash hash) leaves.length (index - 1) count start start
      (path (nodeHash hash) leaves.length (index - 1)
        (rise (nodeHash hash) up (leaves.map (leafHash hash)))) =
      some (root hash leaves, root hash (leaves.take old)) := by
  obtain ⟨hi, hil, hcl, hll, htop, hold⟩ :=
    growth_facts (hash := hash) old leaves h0 hl up index count hm
  rw [hcl, climb_path (nodeHash hash) (hash []) leaves.length leaves.length (index - 1) start start
    _ hll hll hs, htop, take_before _ _ _ hs, Nat.sub_add_cancel hi, hold]

end Merkle

open Merkle

theorem Proof.root_of_no_leaf_is_the_hash_of_nothing :
    Claim.root_of_no_leaf_is_the_hash_of_nothing := by
  intro hash
  rfl

theorem Witness.root_of_no_leaf_is_the_hash_of_nothing : ∃ (_ : Bytes → Bytes), True :=
  ⟨id, trivial⟩

theorem Proof.root_of_one_leaf_is_its_hash : Claim.root_of_one_leaf_is_its_hash := by
  intro hash leaf
  rfl

theorem Witness.root_of_one_leaf_is_its_hash : ∃ (_ : Bytes → Bytes) (_ : Bytes), True :=
  ⟨id, [7], trivial⟩

theorem Proof.root_splits_at_a_power_of_two : Claim.root_splits_at_a_power_of_two := by
  intro hash leaves log h1 h2
  let node := nodeHash hash
  have hsplit : leaves.map (leafHash hash) =
      (leaves.take (2 ^ log)).map (leafHash hash) ++ (leaves.drop (2 ^ log)).map (leafHash hash) := by
    rw [← List.map_append, List.take_append_drop]
  have hpos : 0 < 2 ^ log := Nat.two_pow_pos log
  have hl : ((leaves.take (2 ^ log)).map (leafHash hash)).length = 2 ^ log := by
    rw [List.length_map, List.length_take]; omega
  have hr : ((leaves.drop (2 ^ log)).map (leafHash hash)).length = leaves.length - 2 ^ log := by
    rw [List.length_map, List.length_drop]
  rw [Nat.pow_succ] at h2
  obtain ⟨x, hx⟩ := levels_of_power node log _ (by rw [hl]; omega) (Nat.le_of_eq hl)
  obtain ⟨y, hy⟩ := levels_of_power node log ((leaves.drop (2 ^ log)).map (leafHash hash))
    (by rw [hr]; omega) (by rw [hr]; omega)
  have hall : rise node (log + 1) (leaves.map (leafHash hash)) = [node x y] := by
    rw [rise_add, hsplit, rise_append node log _ _ hl, hx, hy]
    rfl
  rw [root, root, root, top_of_one _ _ _ _ _ hall, top_of_one _ _ _ _ _ hx,
    top_of_one _ _ _ _ _ hy]

theorem Witness.root_splits_at_a_power_of_two :
    ∃ (_ : Bytes → Bytes) (leaves : List Bytes) (log : Nat),
      ∃ (_ : 2 ^ log < leaves.length), ∃ (_ : leaves.length ≤ 2 ^ (log + 1)), True :=
  ⟨id, [[1], [2], [3]], 1, by decide, by decide, trivial⟩

theorem Proof.leaves_with_one_root_are_equal_or_collide :
    Claim.leaves_with_one_root_are_equal_or_collide := by
  intro hash ours theirs hw h hne
  have hempty : ([] : Bytes) ∈ rootInputs hash [] := List.mem_singleton_self _
  by_cases ho : ours = []
  · subst ho
    obtain ⟨t, hf, hh, hi⟩ := root_is_of_a_tree (hash := hash) theirs (Ne.symm hne)
    cases t with
    | leaf d => exact ⟨_, hempty, _, hi _ (Tree.input_of_leaf d), by simp, by rw [hh.symm] at h; exact h⟩
    | node l r =>
      exact ⟨_, hempty, _, hi _ (Tree.input_of_node l r), by simp, by rw [hh.symm] at h; exact h⟩
  · obtain ⟨t, hf, hh, hi⟩ := root_is_of_a_tree (hash := hash) ours ho
    by_cases ht : theirs = []
    · subst ht
      cases t with
      | leaf d => exact ⟨_, hi _ (Tree.input_of_leaf d), _, hempty, by simp, by rw [hh.symm] at h; exact h⟩
      | node l r =>
        exact ⟨_, hi _ (Tree.input_of_node l r), _, hempty, by simp, by rw [hh.symm] at h; exact h⟩
    · obtain ⟨u, hf', hh', hi'⟩ := root_is_of_a_tree (hash := hash) theirs ht
      rcases Tree.equal_or_collide hw t u (by rw [hh, hh', h]) with e | e
      · exact absurd (by rw [← hf, ← hf', e]) hne
      · exact CollisionBetween.mono e hi hi'

/-- A hash for witnesses: 32 zero bytes, whatever the input. -/
def Merkle.flat (_ : Bytes) : Bytes := List.replicate 32 0

theorem Merkle.flat_length (input : Bytes) : (flat input).length = 32 := List.length_replicate ..

theorem Witness.leaves_with_one_root_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (ours theirs : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32), ∃ (_ : root hash ours = root hash theirs),
      ∃ (_ : ours ≠ theirs), True :=
  ⟨flat, [[1], [2], [3]], [[1], [2]], flat_length, rfl, by decide, trivial⟩

theorem Proof.made_inclusion_proofs_are_accepted : Claim.made_inclusion_proofs_are_accepted := by
  intro hash leaves index
  have hlm : (leaves.map (leafHash hash)).length = leaves.length := List.length_map ..
  have hi : (leaves.map (leafHash hash))[index.val]? = some (leafHash hash leaves[index]) := by
    rw [List.getElem?_map, List.getElem?_eq_getElem index.isLt]
    rfl
  have := climb_path (nodeHash hash) (hash []) leaves.length leaves.length index.val
    (leafHash hash leaves[index]) (leafHash hash leaves[index]) (leaves.map (leafHash hash))
    (by omega) (by omega) hi
  rw [hlm] at this
  simp only [checkInclusion, proveInclusion, Bool.and_eq_true, decide_eq_true_eq]
  rw [this]
  exact ⟨index.isLt, by simp [root]⟩

theorem Witness.made_inclusion_proofs_are_accepted :
    ∃ (_ : Bytes → Bytes) (leaves : List Bytes) (_ : Fin leaves.length), True :=
  ⟨id, [[1], [2], [3]], ⟨2, by decide⟩, trivial⟩

theorem Proof.inclusion_of_another_leaf_collides : Claim.inclusion_of_another_leaf_collides := by
  intro hash leaves index leaf proof hw h hne
  rcases inclusion_sound hw leaves index leaf proof h with ⟨e, _⟩ | e
  · exact absurd e hne
  · exact e

theorem Witness.inclusion_of_another_leaf_collides :
    ∃ (hash : Bytes → Bytes) (leaves : List Bytes) (index : Fin leaves.length) (leaf : Bytes)
      (proof : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32),
      ∃ (_ : checkInclusion hash (root hash leaves) leaves.length index leaf proof),
      ∃ (_ : leaf ≠ leaves.get index), True :=
  ⟨flat, [[1], [2], [3]], ⟨2, by decide⟩, [4], [flat []], flat_length, by decide +kernel,
    by decide, trivial⟩

theorem Proof.inclusion_proofs_are_the_made_one_or_collide :
    Claim.inclusion_proofs_are_the_made_one_or_collide := by
  intro hash leaves index leaf proof hw h hne
  rcases inclusion_sound hw leaves index leaf proof h with ⟨_, e⟩ | e
  · exact absurd e hne
  · exact e

theorem Witness.inclusion_proofs_are_the_made_one_or_collide :
    ∃ (hash : Bytes → Bytes) (leaves : List Bytes) (index : Fin leaves.length) (leaf : Bytes)
      (proof : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32),
      ∃ (_ : checkInclusion hash (root hash leaves) leaves.length index leaf proof),
      ∃ (_ : proof ≠ proveInclusion hash index leaves), True :=
  ⟨flat, [[1], [2], [3]], ⟨1, by decide⟩, [2], [[5], [6]], flat_length, by decide +kernel,
    by decide +kernel, trivial⟩

theorem Proof.inclusion_beyond_the_size_is_refused :
    Claim.inclusion_beyond_the_size_is_refused := by
  intro hash root size index leaf proof h
  have : ¬ index < size := by omega
  simp only [checkInclusion, this, decide_false, Bool.false_and]

theorem Witness.inclusion_beyond_the_size_is_refused :
    ∃ (_ : Bytes → Bytes) (_ : Bytes) (size index : Nat) (_ : Bytes) (_ : List Bytes),
      ∃ (_ : size ≤ index), True :=
  ⟨flat, flat [], 3, 3, [1], [flat []], by decide, trivial⟩

theorem Proof.inclusion_proofs_have_one_length : Claim.inclusion_proofs_have_one_length := by
  intro hash size index root root' leaf leaf' proof proof' h h'
  simp only [checkInclusion, Bool.and_eq_true, Option.any_eq_true] at h h'
  obtain ⟨_, x, hx, _⟩ := h
  obtain ⟨_, y, hy, _⟩ := h'
  exact climb_length (nodeHash hash) (nodeHash hash) size index size _ _ _ _ proof proof'
    (by rw [hx]; rfl) (by rw [hy]; rfl)

theorem Witness.inclusion_proofs_have_one_length :
    ∃ (hash : Bytes → Bytes) (size index : Nat) (root root' leaf leaf' : Bytes)
      (proof proof' : List Bytes),
      ∃ (_ : checkInclusion hash root size index leaf proof),
      ∃ (_ : checkInclusion hash root' size index leaf' proof'), True :=
  ⟨flat, 5, 2, flat [], flat [], [1], [2], [[1], [2], [3]], [[4], [5], [6]],
    by decide +kernel, by decide +kernel, trivial⟩

theorem Proof.made_consistency_proofs_are_accepted :
    Claim.made_consistency_proofs_are_accepted := by
  intro hash leaves old hw hle
  have hlm : (leaves.map (leafHash hash)).length = leaves.length := List.length_map ..
  rw [checkConsistency, proveConsistency, growth, hlm, if_neg (Nat.not_lt.mpr hle)]
  by_cases h1 : old = leaves.length
  · subst h1
    simp
  · by_cases h0 : old = 0
    · subst h0
      rw [if_neg h1]
      simp [show root hash [] = hash [] from rfl]
    · have hg : ¬ (old = 0 ∨ leaves.length ≤ old) := by omega
      rw [if_neg h1, if_neg h0, if_neg hg]
      match hm : meet old old leaves.length with
      | (up, index, count) =>
      dsimp only
      obtain ⟨hi, hil, hcl, hll, htop, hold⟩ :=
        growth_facts (hash := hash) old leaves (by omega) (by omega) up index count hm
      have hs := List.getElem?_eq_getElem
        (l := rise (nodeHash hash) up (leaves.map (leafHash hash))) (i := index - 1) (by omega)
      have hc := growth_climb old leaves (by omega) (by omega) up index count hm _ hs
      split
      · next hone =>
        subst hone
        have hstart : root hash (leaves.take old) =
            (rise (nodeHash hash) up (leaves.map (leafHash hash)))[0] := by
          have e := take_before _ _ _ hs
          rw [← hold, ← e]
          rfl
        rw [hstart] at hc
        rw [List.nil_append, decide_eq_true_eq, hstart]
        exact hc
      · rw [hs]
        simp only [Option.toList_some, List.cons_append, List.nil_append, Bool.and_eq_true,
          decide_eq_true_eq]
        exact ⟨rise_all hw up _ (leaf_hashes_sized hw leaves) _ (List.getElem_mem _), hc⟩

theorem Witness.made_consistency_proofs_are_accepted :
    ∃ (hash : Bytes → Bytes) (leaves : List Bytes) (old : Nat),
      ∃ (_ : ∀ input, (hash input).length = 32), ∃ (_ : old ≤ leaves.length), True :=
  ⟨flat, [[1], [2], [3]], 2, flat_length, by decide, trivial⟩

theorem Proof.consistency_with_another_past_collides :
    Claim.consistency_with_another_past_collides := by
  intro hash leaves old oldRoot proof hw hsize h hne
  have hlm : (leaves.map (leafHash hash)).length = leaves.length := List.length_map ..
  rw [checkConsistency] at h
  by_cases hlt : leaves.length < old
  · rw [if_pos hlt] at h; exact absurd h (by decide)
  · rw [if_neg hlt] at h
    by_cases h1 : old = leaves.length
    · rw [if_pos h1, Bool.and_eq_true, decide_eq_true_eq] at h
      exact absurd (by rw [h.2, h1, List.take_length]) hne
    · rw [if_neg h1] at h
      by_cases h0 : old = 0
      · rw [if_pos h0, Bool.and_eq_true, decide_eq_true_eq] at h
        exact absurd (by rw [h.2, h0, List.take_zero]; rfl) hne
      · rw [if_neg h0] at h
        rw [consistencyInputs]
        match hm : meet old old leaves.length with
        | (up, index, count) =>
        rw [hm] at h
        dsimp only at h ⊢
        obtain ⟨hi, hil, hcl, hll, htop, hold⟩ :=
          growth_facts (hash := hash) old leaves (by omega) (by omega) up index count hm
        have key : ∀ (start : Bytes) (rest : List Bytes), start.length = 32 →
            climb (nodeHash hash) leaves.length (index - 1) count start start rest =
              some (root hash leaves, oldRoot) →
            CollisionBetween hash
              (climbInputs hash leaves.length (index - 1) count start rest)
              (rootInputs hash leaves) := by
          intro start rest hstart hc
          rw [hcl] at hc ⊢
          rcases climb_sound hw (hash []) leaves.length leaves.length leaves.length (index - 1)
              start start _ _ rest (rise (nodeHash hash) up (leaves.map (leafHash hash)))
              hll hll (by omega) (by omega)
              (rise_all hw up _ (leaf_hashes_sized hw leaves)) hstart hc htop.symm with
            ⟨e1, e2⟩ | hcol
          · have := growth_climb old leaves (by omega) (by omega) up index count hm start e1
            rw [← e2, hcl, hc, Option.some.injEq, Prod.mk.injEq] at this
            exact absurd this.2 hne
          · refine CollisionBetween.mono hcol (fun _ hx => hx) ?_
            intro x hx
            have hx := riseInputs_rise leaves.length up _ x hx
            rw [Nat.add_comm, riseInputs_enough leaves.length up _ (by omega)] at hx
            have hempty : leaves.isEmpty = false := Bool.eq_false_iff.mpr (fun e => by
              rw [List.isEmpty_iff.mp e, List.length_nil] at hlt
              omega)
            rw [rootInputs, hempty]
            exact List.mem_append_right _ hx
        by_cases hone : index = 1
        · rw [if_pos hone, decide_eq_true_eq] at h
          have := key oldRoot proof hsize h
          rw [if_pos hone]
          rw [hone] at this
          exact this
        · rw [if_neg hone] at h
          rw [if_neg hone]
          match proof, h with
          | start :: rest, h =>
            rw [Bool.and_eq_true, decide_eq_true_eq, decide_eq_true_eq] at h
            exact key start rest h.1 h.2

theorem Witness.consistency_with_another_past_collides :
    ∃ (hash : Bytes → Bytes) (leaves : List Bytes) (old : Nat) (oldRoot : Bytes)
      (proof : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32), ∃ (_ : oldRoot.length = 32),
      ∃ (_ : checkConsistency hash old leaves.length oldRoot (root hash leaves) proof),
      ∃ (_ : oldRoot ≠ root hash (leaves.take old)), True :=
  ⟨flat, [[1], [2], [3]], 2, List.replicate 32 7, [flat []], flat_length, by decide,
    by decide +kernel, by decide +kernel, trivial⟩

end Omega

namespace Omega

open Order Order.Example

/-! ## Trace roots -/

theorem Lemma.valid_events_with_one_encoding_are_equal {a b : List Event}
    (ha : ∀ e ∈ a, e.Valid) (hb : ∀ e ∈ b, e.Valid)
    (h : a.map Event.encode = b.map Event.encode) : a = b := by
  induction a generalizing b with
  | nil =>
    cases b with
    | nil => rfl
    | cons f b => cases h
  | cons e a ih =>
    cases b with
    | nil => cases h
    | cons f b =>
      rw [List.map_cons, List.map_cons] at h
      have hef := (List.cons.inj h).1
      have hab := (List.cons.inj h).2
      have head := Proof.encoding_of_events_is_injective e f (ha e List.mem_cons_self)
        (hb f List.mem_cons_self) hef
      rw [head, ih (fun x hx => ha x (List.mem_cons_of_mem _ hx))
        (fun x hx => hb x (List.mem_cons_of_mem _ hx)) hab]

theorem Proof.permuted_events_have_the_same_trace_root :
    Claim.permuted_events_have_the_same_trace_root := by
  intro hash a b h one
  unfold traceRoot traceLeaves
  rw [traceOf_eq (fun e => h.mem_iff) one]

theorem Witness.permuted_events_have_the_same_trace_root :
    ∃ (_ : Bytes → Bytes) (a b : List Event), ∃ (_ : a.Perm b) (_ : OneVersionEach a), True :=
  ⟨fun _ => List.replicate 32 0, _, _, swapped, one_version, trivial⟩

theorem Proof.a_trace_root_depends_on_the_set_of_events_alone :
    Claim.a_trace_root_depends_on_the_set_of_events_alone := by
  intro hash a b h one
  unfold traceRoot traceLeaves
  rw [traceOf_eq h one]

theorem Witness.a_trace_root_depends_on_the_set_of_events_alone :
    ∃ (_ : Bytes → Bytes) (a b : List Event), ∃ (_ : ∀ e, e ∈ a ↔ e ∈ b) (_ : OneVersionEach a),
      True :=
  ⟨fun _ => List.replicate 32 0, _, _, fun _ => swapped.mem_iff, one_version, trivial⟩

theorem Proof.traces_with_one_root_are_equal_or_collide :
    Claim.traces_with_one_root_are_equal_or_collide := by
  intro hash a b hlen ha hb hroot hne
  apply Proof.leaves_with_one_root_are_equal_or_collide hash _ _ hlen hroot
  intro leaves
  exact hne (Lemma.valid_events_with_one_encoding_are_equal
    (fun e he => ha e ((mem_traceOf a e).mp he)) (fun e he => hb e ((mem_traceOf b e).mp he)) leaves)

theorem Witness.traces_with_one_root_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (a b : List Event),
      ∃ (_ : ∀ input, (hash input).length = 32) (_ : ∀ e ∈ a, e.Valid) (_ : ∀ e ∈ b, e.Valid)
        (_ : traceRoot hash a = traceRoot hash b) (_ : traceOf a ≠ traceOf b), True := by
  have one : ∀ e : Event, traceRoot (fun _ => List.replicate 32 0) [e] = List.replicate 32 0 :=
    fun e => Proof.root_of_one_leaf_is_its_hash (fun _ => List.replicate 32 0) e.encode
  refine ⟨fun _ => List.replicate 32 0, [first], [answer], fun _ => rfl, ?_, ?_, ?_, by decide,
    trivial⟩
  · intro e he
    rw [List.mem_singleton.mp he]
    exact ⟨by decide, by decide, by decide, by decide, by decide⟩
  · intro e he
    rw [List.mem_singleton.mp he]
    exact ⟨by decide, by decide, by decide, by decide, by decide⟩
  · rw [one, one]

end Omega
