module

public import Omega.Spec.Order
public import Omega.Proof.Key

/-! # Lemmas about sorting by merging -/

@[expose] public noncomputable section

namespace Omega

namespace Order

variable {α : Type} {rank : α → Nat}

/-- In order of rank. -/
def Ranked (rank : α → Nat) (list : List α) : Prop := list.Pairwise (fun a b => rank a ≤ rank b)

/-- The elements of one rank. -/
def ofRank (rank : α → Nat) (r : Nat) (list : List α) : List α := list.filter (fun x => rank x = r)

/-- Of each rank both have the same elements in the same order. -/
def Same (rank : α → Nat) (a b : List α) : Prop := ∀ r, ofRank rank r a = ofRank rank r b

theorem ofRank_nil (r : Nat) : ofRank rank r [] = [] := rfl

theorem ofRank_append (r : Nat) (a b : List α) :
    ofRank rank r (a ++ b) = ofRank rank r a ++ ofRank rank r b := List.filter_append a b

theorem ofRank_cons (r : Nat) (x : α) (list : List α) :
    ofRank rank r (x :: list) = if rank x = r then x :: ofRank rank r list else ofRank rank r list := by
  unfold ofRank
  rw [List.filter_cons]
  simp only [decide_eq_true_eq]

theorem mem_ofRank {r : Nat} {x : α} {list : List α} :
    x ∈ ofRank rank r list ↔ x ∈ list ∧ rank x = r := by
  unfold ofRank
  rw [List.mem_filter, decide_eq_true_eq]

theorem ofRank_eq_nil {r : Nat} {list : List α} (h : ∀ x ∈ list, rank x ≠ r) :
    ofRank rank r list = [] := by
  apply List.eq_nil_iff_forall_not_mem.mpr
  intro x hx
  exact h x (mem_ofRank.mp hx).1 (mem_ofRank.mp hx).2

theorem Same.symm {a b : List α} (h : Same rank a b) : Same rank b a := fun r => (h r).symm

theorem Same.trans {a b c : List α} (h : Same rank a b) (h' : Same rank b c) : Same rank a c :=
  fun r => (h r).trans (h' r)

theorem Same.append {a b c d : List α} (h : Same rank a b) (h' : Same rank c d) :
    Same rank (a ++ c) (b ++ d) := by
  intro r
  rw [ofRank_append, ofRank_append, h r, h' r]

theorem Same.mem {a b : List α} (h : Same rank a b) {x : α} : x ∈ a ↔ x ∈ b := by
  have h' : x ∈ ofRank rank (rank x) a ↔ x ∈ ofRank rank (rank x) b := by rw [h (rank x)]
  simpa only [mem_ofRank, and_true] using h'

open Classical in
theorem Same.perm {a b : List α} (h : Same rank a b) : a.Perm b := by
  apply List.perm_iff_count.mpr
  intro x
  have count : ∀ list : List α, (ofRank rank (rank x) list).count x = list.count x := by
    intro list
    exact List.count_filter (by simp only [decide_true])
  rw [← count a, ← count b, h (rank x)]

/-- Two lists in order that have the same of each rank are one. -/
theorem Same.eq {a b : List α} (ha : Ranked rank a) (hb : Ranked rank b) (h : Same rank a b) :
    a = b := by
  induction a generalizing b with
  | nil =>
    cases b with
    | nil => rfl
    | cons y b => exact absurd (h.mem.mpr List.mem_cons_self) List.not_mem_nil
  | cons x a ih =>
    cases b with
    | nil => exact absurd (h.mem.mp List.mem_cons_self) List.not_mem_nil
    | cons y b =>
      have hxa := List.pairwise_cons.mp ha
      have hyb := List.pairwise_cons.mp hb
      have hxy : rank y ≤ rank x := by
        cases List.mem_cons.mp (h.mem.mp (List.mem_cons_self (a := x) (l := a))) with
        | inl e => exact e ▸ Nat.le_refl _
        | inr hx => exact hyb.1 x hx
      have hyx : rank x ≤ rank y := by
        cases List.mem_cons.mp (h.mem.mpr (List.mem_cons_self (a := y) (l := b))) with
        | inl e => exact e ▸ Nat.le_refl _
        | inr hy => exact hxa.1 y hy
      have heq : rank y = rank x := Nat.le_antisymm hxy hyx
      have head := h (rank x)
      rw [ofRank_cons, ofRank_cons, if_pos rfl, if_pos heq] at head
      have e : x = y := (List.cons.inj head).1
      subst e
      have tails : Same rank a b := by
        intro r
        have := h r
        rw [ofRank_cons, ofRank_cons] at this
        split at this
        · exact (List.cons.inj this).2
        · exact this
      rw [ih hxa.2 hyb.2 tails]

theorem mergeOne_same {x : α} {first : List α} {rest : List α → List α}
    (hx : ∀ z ∈ first, rank x ≤ rank z)
    (hrest : ∀ run, Same rank (rest run) (first ++ run)) (run : List α) :
    Same rank (mergeOne rank x rest run) (x :: first ++ run) := by
  induction run with
  | nil =>
    intro r
    simp only [mergeOne, List.cons_append, ofRank_cons, hrest [] r]
  | cons y run ih =>
    intro r
    unfold mergeOne
    split
    · simp only [List.cons_append, ofRank_cons r x, hrest (y :: run) r]
    · rename_i hlt
      have h := ih r
      rw [ofRank_cons, h, ofRank_append, ofRank_append, ofRank_cons r y run]
      split
      · rename_i hy
        have none : ofRank rank r (x :: first) = [] := by
          apply ofRank_eq_nil
          intro z hz
          cases List.mem_cons.mp hz with
          | inl e => subst e; omega
          | inr hz => have := hx z hz; omega
        rw [none, List.nil_append, List.nil_append]
      · rfl

theorem merge_same {first second : List α} (h : Ranked rank first) :
    Same rank (merge rank first second) (first ++ second) := by
  induction first generalizing second with
  | nil => intro r; rfl
  | cons x first ih =>
    have hx := List.pairwise_cons.mp h
    exact mergeOne_same hx.1 (fun run => ih hx.2) second

theorem mergeOne_ranked {x : α} {first : List α} {rest : List α → List α}
    (hx : ∀ z ∈ first, rank x ≤ rank z)
    (hsame : ∀ run, Same rank (rest run) (first ++ run))
    (hrest : ∀ run, Ranked rank run → Ranked rank (rest run))
    {run : List α} (hrun : Ranked rank run) : Ranked rank (mergeOne rank x rest run) := by
  induction run with
  | nil =>
    apply List.pairwise_cons.mpr
    refine ⟨?_, hrest [] hrun⟩
    intro z hz
    have := (hsame []).mem.mp hz
    rw [List.append_nil] at this
    exact hx z this
  | cons y run ih =>
    have hy := List.pairwise_cons.mp hrun
    unfold mergeOne
    split
    · rename_i hxy
      apply List.pairwise_cons.mpr
      refine ⟨?_, hrest (y :: run) hrun⟩
      intro z hz
      cases List.mem_append.mp ((hsame (y :: run)).mem.mp hz) with
      | inl hz => exact hx z hz
      | inr hz =>
        cases List.mem_cons.mp hz with
        | inl e => exact e ▸ hxy
        | inr hz => exact Nat.le_trans hxy (hy.1 z hz)
    · rename_i hxy
      apply List.pairwise_cons.mpr
      refine ⟨?_, ih hy.2⟩
      intro z hz
      cases List.mem_append.mp ((mergeOne_same hx hsame run).mem.mp hz) with
      | inl hz =>
        cases List.mem_cons.mp hz with
        | inl e => subst e; omega
        | inr hz => have := hx z hz; omega
      | inr hz => exact hy.1 z hz

theorem merge_ranked {first second : List α} (h : Ranked rank first) (h' : Ranked rank second) :
    Ranked rank (merge rank first second) := by
  induction first generalizing second with
  | nil => exact h'
  | cons x first ih =>
    have hx := List.pairwise_cons.mp h
    exact mergeOne_ranked hx.1 (fun run => merge_same hx.2) (fun run hrun => ih hx.2 hrun) h'

theorem mergePairs_ranked : (runs : List (List α)) → (∀ run ∈ runs, Ranked rank run) →
    ∀ run ∈ mergePairs rank runs, Ranked rank run
  | [], h => h
  | [_], h => h
  | a :: b :: runs, h => by
    intro run hrun
    have ha := h a List.mem_cons_self
    have hb := h b (List.mem_cons_of_mem _ List.mem_cons_self)
    cases List.mem_cons.mp hrun with
    | inl e => exact e ▸ merge_ranked ha hb
    | inr hrun =>
      exact mergePairs_ranked runs
        (fun r hr => h r (List.mem_cons_of_mem _ (List.mem_cons_of_mem _ hr))) run hrun

theorem mergePairs_same : (runs : List (List α)) → (∀ run ∈ runs, Ranked rank run) →
    Same rank (mergePairs rank runs).flatten runs.flatten
  | [], _ => fun _ => rfl
  | [_], _ => fun _ => rfl
  | a :: b :: runs, h => by
    have ha := h a List.mem_cons_self
    have rest := mergePairs_same runs
      (fun r hr => h r (List.mem_cons_of_mem _ (List.mem_cons_of_mem _ hr)))
    simp only [mergePairs, List.flatten_cons]
    rw [← List.append_assoc]
    exact (merge_same ha).append rest

theorem mergeRest_spec (runs : List (List α)) (h : ∀ run ∈ runs, Ranked rank run) :
    Ranked rank (runs.foldr (merge rank) []) ∧
      Same rank (runs.foldr (merge rank) []) runs.flatten := by
  induction runs with
  | nil => exact ⟨List.Pairwise.nil, fun _ => rfl⟩
  | cons run runs ih =>
    have hrun := h run List.mem_cons_self
    have hruns := ih (fun r hr => h r (List.mem_cons_of_mem _ hr))
    refine ⟨merge_ranked hrun hruns.1, ?_⟩
    rw [List.foldr_cons, List.flatten_cons]
    exact (merge_same hrun).trans (Same.append (fun _ => rfl) hruns.2)

theorem mergePasses_spec (passes : Nat) (runs : List (List α))
    (h : ∀ run ∈ runs, Ranked rank run) :
    Ranked rank (mergePasses rank passes runs) ∧
      Same rank (mergePasses rank passes runs) runs.flatten := by
  induction passes generalizing runs with
  | zero => exact mergeRest_spec runs h
  | succ passes ih =>
    cases runs with
    | nil => exact ⟨List.Pairwise.nil, fun _ => rfl⟩
    | cons a runs =>
      cases runs with
      | nil =>
        refine ⟨h a List.mem_cons_self, ?_⟩
        simp only [mergePasses, List.flatten_cons, List.flatten_nil, List.append_nil]
        exact fun _ => rfl
      | cons b runs =>
        have := ih (mergePairs rank (a :: b :: runs)) (mergePairs_ranked _ h)
        exact ⟨this.1, this.2.trans (mergePairs_same _ h)⟩

theorem mergeRuns_ranked {runs : List (List α)} (h : ∀ run ∈ runs, Ranked rank run) :
    Ranked rank (mergeRuns rank runs) := (mergePasses_spec _ runs h).1

theorem mergeRuns_same {runs : List (List α)} (h : ∀ run ∈ runs, Ranked rank run) :
    Same rank (mergeRuns rank runs) runs.flatten := (mergePasses_spec _ runs h).2

theorem single_ranked (list : List α) :
    ∀ run ∈ list.map (fun x => [x]), Ranked rank run := by
  intro run hrun
  obtain ⟨x, -, rfl⟩ := List.mem_map.mp hrun
  exact List.pairwise_singleton _ _

theorem flatten_single (list : List α) : (list.map (fun x => [x])).flatten = list := by
  induction list with
  | nil => rfl
  | cons x list ih => rw [List.map_cons, List.flatten_cons, ih, List.singleton_append]

theorem sort_ranked (list : List α) : Ranked rank (sort rank list) :=
  mergeRuns_ranked (single_ranked list)

theorem sort_same (list : List α) : Same rank (sort rank list) list := by
  have h := mergeRuns_same (rank := rank) (single_ranked list)
  rwa [flatten_single] at h

/-- A list in order is what any list with the same of each rank is sorted into. -/
theorem eq_sort {a list : List α} (ha : Ranked rank a) (h : Same rank a list) :
    a = sort rank list :=
  Same.eq ha (sort_ranked list) (h.trans (sort_same list).symm)

theorem sort_eq_of_perm {a b : List α} (h : a.Perm b)
    (one : ∀ x ∈ a, ∀ y ∈ a, rank x = rank y → x = y) : sort rank a = sort rank b := by
  have ha := (sort_same (rank := rank) a).perm
  have hb := (sort_same (rank := rank) b).perm
  apply List.Perm.eq_of_pairwise (le := fun x y => rank x ≤ rank y) _ (sort_ranked a)
    (sort_ranked b) (ha.trans (h.trans hb.symm))
  intro x y hx hy hxy hyx
  exact one x (ha.mem_iff.mp hx) y (h.mem_iff.mpr (hb.mem_iff.mp hy)) (Nat.le_antisymm hxy hyx)

end Order

end Omega
