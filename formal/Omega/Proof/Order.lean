module

public import Omega.Spec.Order
public import Omega.Proof.Key

/-! # Proofs about the canonical order -/

@[expose] public noncomputable section

namespace Omega

/-! ## Sorting by merging -/

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

namespace Order

theorem Sorted.ranked {events : List Event} (h : Sorted events) : Ranked Event.rank events := h

theorem canonicalSort_sorted (events : List Event) : Sorted (canonicalSort events) :=
  sort_ranked events

theorem canonicalSort_perm (events : List Event) : (canonicalSort events).Perm events :=
  (sort_same events).perm

theorem mem_dropCopies {α : Type} [DecidableEq α] : (list : List α) → (x : α) →
    (x ∈ dropCopies list ↔ x ∈ list)
  | [], _ => Iff.rfl
  | [_], _ => Iff.rfl
  | a :: b :: rest, x => by
    have ih := mem_dropCopies (b :: rest) x
    unfold dropCopies
    split
    · rename_i e
      subst e
      rw [ih]
      simp only [List.mem_cons]
      exact ⟨Or.inr, fun h => h.elim Or.inl id⟩
    · rw [List.mem_cons, List.mem_cons, ih]

theorem dropCopies_sorted {events : List Event} (h : Sorted events) : Sorted (dropCopies events) :=
  match events, h with
  | [], h => h
  | [_], h => h
  | a :: b :: rest, h => by
    have hab := List.pairwise_cons.mp h
    have ih := dropCopies_sorted (events := b :: rest) hab.2
    unfold dropCopies
    split
    · exact ih
    · apply List.pairwise_cons.mpr
      exact ⟨fun e he => hab.1 e ((mem_dropCopies _ _).mp he), ih⟩

theorem dropCopies_increases {events : List Event} (one : OneVersionEach events)
    (h : Sorted events) : (dropCopies events).Pairwise (fun a b => a.key < b.key) :=
  match events, one, h with
  | [], _, _ => List.Pairwise.nil
  | [_], _, _ => List.pairwise_singleton _ _
  | a :: b :: rest, one, h => by
    have hab := List.pairwise_cons.mp h
    have hb := List.pairwise_cons.mp hab.2
    have ih := dropCopies_increases (events := b :: rest)
      (fun e he f hf => one e (List.mem_cons_of_mem _ he) f (List.mem_cons_of_mem _ hf)) hab.2
    unfold dropCopies
    split
    · exact ih
    · rename_i differ
      apply List.pairwise_cons.mpr
      refine ⟨?_, ih⟩
      have less : a.key < b.key := by
        apply Nat.lt_of_le_of_ne (hab.1 b List.mem_cons_self)
        intro e
        exact differ (one a List.mem_cons_self b (List.mem_cons_of_mem _ List.mem_cons_self)
          (Key.toNat_inj e))
      intro e he
      cases List.mem_cons.mp ((mem_dropCopies _ _).mp he) with
      | inl e' => exact e' ▸ less
      | inr he => exact Nat.lt_of_lt_of_le less (hb.1 e he)

/-- Lists with increasing keys and the same events are one. -/
theorem eq_of_increasing {a b : List Event} (ha : a.Pairwise (fun e f => e.key < f.key))
    (hb : b.Pairwise (fun e f => e.key < f.key)) (h : ∀ e, e ∈ a ↔ e ∈ b) : a = b := by
  induction a generalizing b with
  | nil =>
    cases b with
    | nil => rfl
    | cons y b => exact absurd ((h y).mpr List.mem_cons_self) List.not_mem_nil
  | cons x a ih =>
    cases b with
    | nil => exact absurd ((h x).mp List.mem_cons_self) List.not_mem_nil
    | cons y b =>
      have hx := List.pairwise_cons.mp ha
      have hy := List.pairwise_cons.mp hb
      have e : x = y := by
        cases List.mem_cons.mp ((h x).mp List.mem_cons_self) with
        | inl e => exact e
        | inr hxb =>
          cases List.mem_cons.mp ((h y).mpr List.mem_cons_self) with
          | inl e => exact e.symm
          | inr hya => exact absurd (hx.1 y hya) (Nat.lt_asymm (Key.lt_iff.mp (hy.1 x hxb)))
      subst e
      have tails : ∀ e, e ∈ a ↔ e ∈ b := by
        intro e
        constructor
        · intro he
          cases List.mem_cons.mp ((h e).mp (List.mem_cons_of_mem _ he)) with
          | inl e' => subst e'; exact absurd (hx.1 e he) (Nat.lt_irrefl _)
          | inr hb => exact hb
        · intro he
          cases List.mem_cons.mp ((h e).mpr (List.mem_cons_of_mem _ he)) with
          | inl e' => subst e'; exact absurd (hy.1 e he) (Nat.lt_irrefl _)
          | inr ha => exact ha
      rw [ih hx.2 hy.2 tails]

theorem mem_traceOf (events : List Event) (e : Event) : e ∈ traceOf events ↔ e ∈ events :=
  (mem_dropCopies _ e).trans (canonicalSort_perm events).mem_iff

theorem traceOf_sorted (events : List Event) : Sorted (traceOf events) :=
  dropCopies_sorted (canonicalSort_sorted events)

theorem traceOf_increases {events : List Event} (one : OneVersionEach events) :
    (traceOf events).Pairwise (fun a b => a.key < b.key) := by
  have h := canonicalSort_perm events
  exact dropCopies_increases
    (fun e he f hf => one e (h.mem_iff.mp he) f (h.mem_iff.mp hf)) (canonicalSort_sorted events)

theorem traceOf_eq {a b : List Event} (h : ∀ e, e ∈ a ↔ e ∈ b) (one : OneVersionEach a) :
    traceOf a = traceOf b := by
  have oneB : OneVersionEach b := fun e he f hf => one e ((h e).mpr he) f ((h f).mpr hf)
  exact eq_of_increasing (traceOf_increases one) (traceOf_increases oneB)
    (fun e => (mem_traceOf a e).trans ((h e).trans (mem_traceOf b e).symm))

theorem lamport_le {events : List Event} {i j : Nat} {a b : Event} (h : Sorted events)
    (hij : i < j) (ha : events[i]? = some a) (hb : events[j]? = some b) :
    a.key.lamport ≤ b.key.lamport := by
  obtain ⟨hi, rfl⟩ := List.getElem?_eq_some_iff.mp ha
  obtain ⟨hj, rfl⟩ := List.getElem?_eq_some_iff.mp hb
  exact Key.lamport_le_of_le (List.pairwise_iff_getElem.mp h i j hi hj hij)

theorem Entry.rank_inj {a b : Entry} (h : a.rank = b.rank) : a = b := by
  obtain ⟨ka, sa, oa⟩ := a
  obtain ⟨kb, sb, ob⟩ := b
  simp only [Entry.rank] at h
  have hk : ka = kb := Key.toNat_inj (by omega)
  simp only [Entry.mk.injEq, Fin.ext_iff]
  refine ⟨hk, ?_, ?_⟩ <;> omega

theorem Entry.rank_lt_iff (a b : Entry) :
    a.rank < b.rank ↔ a.key < b.key ∨ a.key = b.key ∧ a.ref < b.ref := by
  have hkey : a.key = b.key ↔ a.key.toNat = b.key.toNat :=
    ⟨fun e => e ▸ rfl, Key.toNat_inj⟩
  rw [Key.lt_iff, hkey]
  simp only [Entry.rank, Entry.ref]
  omega

end Order

open Order

/-! ## Examples for witnesses -/

namespace Order.Example

/-- Node 1's first event. -/
def first : Event := ⟨⟨1, 1, 0, 1⟩, 1000, [], []⟩

/-- Node 2's answer to it. -/
def answer : Event := ⟨⟨2, 2, 0, 1⟩, -500, [⟨1, 1, 0, 1⟩], [7]⟩

/-- What node 1 did at the same Lamport time. -/
def beside : Event := ⟨⟨2, 1, 0, 2⟩, 250, [⟨1, 1, 0, 1⟩], []⟩

theorem swapped : List.Perm [answer, first, beside] [first, answer, beside] :=
  List.Perm.swap _ _ _

theorem one_version : OneVersionEach [answer, first, beside] := by
  unfold OneVersionEach
  decide

end Order.Example

open Order.Example

/-! ## The canonical sort -/

theorem Proof.the_canonical_sort_is_a_permutation : Claim.the_canonical_sort_is_a_permutation := by
  intro events
  exact canonicalSort_perm events

theorem Witness.the_canonical_sort_is_a_permutation : ∃ (_ : List Event), True :=
  ⟨[answer, first, answer], trivial⟩

theorem Proof.the_canonical_sort_is_sorted : Claim.the_canonical_sort_is_sorted := by
  intro events
  exact canonicalSort_sorted events

theorem Witness.the_canonical_sort_is_sorted : ∃ (_ : List Event), True :=
  ⟨[answer, first, answer], trivial⟩

theorem Proof.the_canonical_sort_keeps_events_of_a_key_in_order :
    Claim.the_canonical_sort_keeps_events_of_a_key_in_order := by
  intro events k
  have h := sort_same (rank := Event.rank) events k.toNat
  have same : ∀ e : Event, decide (e.key = k) = decide (Event.rank e = k.toNat) := by
    intro e
    apply decide_eq_decide.mpr
    exact ⟨fun h => h ▸ rfl, Key.toNat_inj⟩
  simp only [same]
  exact h

theorem Witness.the_canonical_sort_keeps_events_of_a_key_in_order :
    ∃ (_ : List Event) (_ : Key), True :=
  ⟨[answer, first, answer], answer.key, trivial⟩

theorem Proof.sorting_what_is_sorted_changes_nothing :
    Claim.sorting_what_is_sorted_changes_nothing := by
  intro events h
  exact (eq_sort h.ranked (fun _ => rfl)).symm

theorem Witness.sorting_what_is_sorted_changes_nothing :
    ∃ (events : List Event), ∃ (_ : Sorted events), True :=
  ⟨[first, beside, answer], by unfold Sorted; decide, trivial⟩

theorem Proof.merging_sorted_runs_sorts_them_all : Claim.merging_sorted_runs_sorts_them_all := by
  intro runs h
  exact eq_sort (mergeRuns_ranked h) (mergeRuns_same h)

theorem Witness.merging_sorted_runs_sorts_them_all :
    ∃ (runs : List (List Event)), ∃ (_ : ∀ run ∈ runs, Sorted run), True :=
  ⟨[[first, beside], [first, answer], [beside]], by unfold Sorted; decide, trivial⟩

theorem Proof.there_is_one_canonical_order : Claim.there_is_one_canonical_order := by
  intro a b h one ha hb
  apply List.Perm.eq_of_pairwise (le := fun e f : Event => e.key ≤ f.key) _ ha hb h
  intro e f he hf hef hfe
  exact one e he f (h.mem_iff.mpr hf) (Key.toNat_inj (Nat.le_antisymm hef hfe))

theorem Witness.there_is_one_canonical_order :
    ∃ (a b : List Event), ∃ (_ : a.Perm b) (_ : OneVersionEach a) (_ : Sorted a) (_ : Sorted b),
      True :=
  ⟨[first, beside, answer], [first, beside, answer], List.Perm.refl _,
    by unfold OneVersionEach; decide, by unfold Sorted; decide, by unfold Sorted; decide, trivial⟩

/-! ## Lamport monotonicity -/

theorem Proof.lamport_time_is_monotone_in_a_sorted_list :
    Claim.lamport_time_is_monotone_in_a_sorted_list := by
  intro events i j a b h hij ha hb
  exact lamport_le h hij ha hb

theorem Witness.lamport_time_is_monotone_in_a_sorted_list :
    ∃ (events : List Event) (i j : Nat) (a b : Event), ∃ (_ : Sorted events) (_ : i < j)
      (_ : events[i]? = some a) (_ : events[j]? = some b), True :=
  ⟨[first, beside, answer], 0, 2, first, answer, by unfold Sorted; decide, by decide, rfl, rfl,
    trivial⟩

theorem Proof.lamport_time_is_monotone_in_a_trace : Claim.lamport_time_is_monotone_in_a_trace := by
  intro events i j a b hij ha hb
  exact lamport_le (traceOf_sorted events) hij ha hb

theorem Witness.lamport_time_is_monotone_in_a_trace :
    ∃ (events : List Event) (i j : Nat) (a b : Event), ∃ (_ : i < j)
      (_ : (traceOf events)[i]? = some a) (_ : (traceOf events)[j]? = some b), True :=
  ⟨[answer, first, beside], 0, 2, first, answer, by decide, rfl, rfl, trivial⟩

/-! ## Ordering-key invariance -/

theorem Proof.permuted_events_are_sorted_into_the_same_list :
    Claim.permuted_events_are_sorted_into_the_same_list := by
  intro a b h one
  exact sort_eq_of_perm h (fun e he f hf hef => one e he f hf (Key.toNat_inj hef))

theorem Witness.permuted_events_are_sorted_into_the_same_list :
    ∃ (a b : List Event), ∃ (_ : a.Perm b) (_ : OneVersionEach a), True :=
  ⟨_, _, swapped, one_version, trivial⟩

theorem Proof.two_versions_of_a_key_stay_as_they_came :
    Claim.two_versions_of_a_key_stay_as_they_came := by
  intro h
  have same := h [⟨⟨1, 1, 0, 1⟩, 1, [], []⟩, ⟨⟨1, 1, 0, 1⟩, 2, [], []⟩]
    [⟨⟨1, 1, 0, 1⟩, 2, [], []⟩, ⟨⟨1, 1, 0, 1⟩, 1, [], []⟩] (List.Perm.swap _ _ _)
  revert same
  decide

theorem Witness.two_versions_of_a_key_stay_as_they_came : True := trivial

theorem Proof.a_trace_depends_on_the_set_of_events_alone :
    Claim.a_trace_depends_on_the_set_of_events_alone := by
  intro a b h one
  exact traceOf_eq h one

theorem Witness.a_trace_depends_on_the_set_of_events_alone :
    ∃ (a b : List Event), ∃ (_ : ∀ e, e ∈ a ↔ e ∈ b) (_ : OneVersionEach a), True :=
  ⟨_, _, fun _ => swapped.mem_iff, one_version, trivial⟩

theorem Proof.a_trace_has_the_events_it_was_made_of :
    Claim.a_trace_has_the_events_it_was_made_of := by
  intro events e
  exact mem_traceOf events e

theorem Witness.a_trace_has_the_events_it_was_made_of : ∃ (_ : List Event) (_ : Event), True :=
  ⟨[answer, first, answer], answer, trivial⟩

theorem Proof.keys_increase_in_a_trace : Claim.keys_increase_in_a_trace := by
  intro events one
  exact traceOf_increases one

theorem Witness.keys_increase_in_a_trace :
    ∃ (events : List Event), ∃ (_ : OneVersionEach events), True :=
  ⟨[answer, first, answer], by unfold OneVersionEach; decide, trivial⟩

theorem Proof.permuted_events_have_the_same_leaves :
    Claim.permuted_events_have_the_same_leaves := by
  intro α leaf a b h one
  rw [traceOf_eq (fun e => h.mem_iff) one]

theorem Witness.permuted_events_have_the_same_leaves :
    ∃ (α : Type) (_ : Event → α) (a b : List Event), ∃ (_ : a.Perm b) (_ : OneVersionEach a),
      True :=
  ⟨Bytes, fun e => e.key.encode, _, _, swapped, one_version, trivial⟩

theorem Proof.permuted_events_have_the_same_root : Claim.permuted_events_have_the_same_root := by
  intro α β leaf root a b h one
  rw [traceOf_eq (fun e => h.mem_iff) one]

theorem Witness.permuted_events_have_the_same_root :
    ∃ (α β : Type) (_ : Event → α) (_ : List α → β) (a b : List Event), ∃ (_ : a.Perm b)
      (_ : OneVersionEach a), True :=
  ⟨Bytes, Bytes, fun e => e.key.encode, List.flatten, _, _, swapped, one_version, trivial⟩

/-! ## The index of a batch -/

theorem Proof.entries_of_one_rank_are_one_entry : Claim.entries_of_one_rank_are_one_entry := by
  intro a b h
  exact Entry.rank_inj h

theorem Witness.entries_of_one_rank_are_one_entry :
    ∃ (a b : Entry), ∃ (_ : a.rank = b.rank), True :=
  ⟨⟨⟨1, 2, 3, 4⟩, 5, 28⟩, ⟨⟨1, 2, 3, 4⟩, 5, 28⟩, rfl, trivial⟩

theorem Proof.entries_are_ordered_by_key_and_then_by_place :
    Claim.entries_are_ordered_by_key_and_then_by_place := by
  intro a b
  exact Entry.rank_lt_iff a b

theorem Witness.entries_are_ordered_by_key_and_then_by_place : ∃ (_ _ : Entry), True :=
  ⟨⟨⟨1, 2, 3, 4⟩, 0, 90⟩, ⟨⟨1, 2, 3, 4⟩, 1, 28⟩, trivial⟩

theorem Proof.sorting_an_index_is_a_permutation : Claim.sorting_an_index_is_a_permutation := by
  intro entries
  exact (sort_same entries).perm

theorem Witness.sorting_an_index_is_a_permutation : ∃ (_ : List Entry), True :=
  ⟨[⟨⟨1, 2, 3, 4⟩, 1, 28⟩, ⟨⟨1, 2, 3, 4⟩, 0, 90⟩], trivial⟩

theorem Proof.a_sorted_index_is_sorted : Claim.a_sorted_index_is_sorted := by
  intro entries
  exact sort_ranked entries

theorem Witness.a_sorted_index_is_sorted : ∃ (_ : List Entry), True :=
  ⟨[⟨⟨1, 2, 3, 4⟩, 1, 28⟩, ⟨⟨1, 2, 3, 4⟩, 0, 90⟩], trivial⟩

theorem Proof.permuted_entries_are_sorted_into_the_same_index :
    Claim.permuted_entries_are_sorted_into_the_same_index := by
  intro a b h
  exact sort_eq_of_perm h (fun _ _ _ _ => Entry.rank_inj)

theorem Witness.permuted_entries_are_sorted_into_the_same_index :
    ∃ (a b : List Entry), ∃ (_ : a.Perm b), True :=
  ⟨[⟨⟨1, 2, 3, 4⟩, 1, 28⟩, ⟨⟨1, 2, 3, 4⟩, 0, 90⟩], [⟨⟨1, 2, 3, 4⟩, 0, 90⟩, ⟨⟨1, 2, 3, 4⟩, 1, 28⟩],
    List.Perm.swap _ _ _, trivial⟩

end Omega
