module

public import Omega.Proof.InvariantLemmas

/-! Proofs about the checker of a batch. -/

@[expose] public noncomputable section

namespace Omega

open Invariant

namespace Invariant

theorem verdict_eq_merge {batch : List Event} {past : Past} {trace : List Event} :
    verdict batch past = .merge trace ↔ obstructions batch past = [] ∧
      trace = traceOf (newEvents batch past) := by
  unfold verdict
  by_cases h : obstructions batch past = []
  · simp only [h, ↓reduceIte, Verdict.merge.injEq, true_and]
    exact eq_comm
  · simp only [h, ↓reduceIte, reduceCtorEq, false_and]

theorem verdict_eq_obstructed {batch : List Event} {past : Past} {list : List Obstruction} :
    verdict batch past = .obstructed list ↔ list = obstructions batch past ∧ list ≠ [] := by
  unfold verdict
  by_cases h : obstructions batch past = []
  · simp only [h, ↓reduceIte, reduceCtorEq, false_iff]
    rintro ⟨rfl, hne⟩
    exact hne rfl
  · simp only [h, ↓reduceIte, Verdict.obstructed.injEq]
    constructor
    · rintro rfl; exact ⟨rfl, h⟩
    · rintro ⟨rfl, _⟩; rfl

theorem mem_newEvents {batch : List Event} {past : Past} {e : Event} :
    e ∈ newEvents batch past ↔ IsNew batch past e := by
  unfold newEvents IsNew
  rw [List.mem_filter, decide_eq_true_eq]

theorem no_obstruction_iff {batch : List Event} {past : Past} :
    obstructions batch past = [] ↔ ∀ o, ¬ IsObstruction batch past o := by
  constructor
  · intro h o ho
    have := mem_obstructions.mpr ho
    rw [h] at this
    exact absurd this List.not_mem_nil
  · intro h
    exact Section.eq_nil_of_no_mem fun o ho => h o (mem_obstructions.mp ho)

/-- What follows for a new event whose key no obstruction names. -/
theorem unnamed {batch : List Event} {past : Past} {e : Event} (he : IsNew batch past e)
    (free : ∀ o, IsObstruction batch past o → o.key ≠ e.key) :
    ¬ InPast past e.key ∧ (∀ f ∈ batch, f.key = e.key → f = e) ∧
      (∀ d ∈ e.deps, d.lamport < e.key.lamport) ∧
      (∀ d ∈ e.deps, InBatch batch d ∨ InPast past d) ∧
      ∀ f ∈ past.certified, sameStream e.key f.key = true → f.key < e.key := by
  have hout : ¬ InPast past e.key := fun hin =>
    free ⟨e.key, .equivocation, noDep⟩ ⟨Or.inl ⟨hin, e, he.1, rfl, he.2⟩, rfl⟩ rfl
  have hcausal : ∀ d ∈ e.deps, d.lamport < e.key.lamport := fun d hd =>
    Decidable.byContradiction fun hl =>
      free ⟨e.key, .lamport, d⟩ ⟨⟨hout, e, he.1, rfl, hd⟩, hl⟩ rfl
  refine ⟨hout, fun f hf hk => ?_, hcausal, fun d hd => ?_, fun f hf hs => ?_⟩
  · refine Decidable.byContradiction fun hne => ?_
    exact free ⟨e.key, .equivocation, noDep⟩
      ⟨Or.inr ⟨hout, f, hf, e, he.1, hk, rfl, hne⟩, rfl⟩ rfl
  · refine Classical.byContradiction fun hn => ?_
    exact free ⟨e.key, .missingDep, d⟩ ⟨⟨hout, e, he.1, rfl, hd⟩, hcausal d hd,
      fun h => hn (Or.inl h), fun h => hn (Or.inr h)⟩ rfl
  · refine Decidable.byContradiction fun hn => ?_
    exact free ⟨e.key, .stale, noDep⟩
      ⟨⟨hout, ⟨e, he.1, rfl⟩, f, hf, hs, Nat.le_of_not_lt hn⟩, rfl⟩ rfl

theorem rules_iff {batch : List Event} {past : Past} :
    obstructions batch past = [] ↔
      Agreeing batch past ∧ Causal batch past ∧ Complete batch past ∧ OnTime batch past := by
  rw [no_obstruction_iff]
  constructor
  · intro none
    have all := fun e (he : IsNew batch past e) => unnamed he (fun o ho => absurd ho (none o))
    refine ⟨fun e he => ⟨fun f hf hk => (all e he).1 ⟨f, hf, hk⟩, (all e he).2.1⟩,
      fun e he => (all e he).2.2.1, fun e he => (all e he).2.2.2.1,
      fun e he => (all e he).2.2.2.2⟩
  · rintro ⟨agree, causal, complete, onTime⟩ ⟨k, kind, dep⟩ ho
    have new : ∀ e ∈ batch, e.key = k → ¬ InPast past k → IsNew batch past e :=
      fun e he hk hout => ⟨he, fun hin => hout ⟨e, hin, hk⟩⟩
    cases kind with
    | equivocation =>
      rcases ho.1 with ⟨⟨f, hf, hfk⟩, e, he, hek, hnew⟩ | ⟨hout, e, he, f, hf, hek, hfk, hne⟩
      · exact (agree e ⟨he, hnew⟩).1 f hf (hfk.trans hek.symm)
      · exact hne ((agree f (new f hf hfk hout)).2 e he (hek.trans hfk.symm))
    | lamport =>
      obtain ⟨⟨hout, e, he, hk, hd⟩, hl⟩ := ho
      change e.key = k at hk
      subst hk
      exact hl (causal e (new e he rfl hout) dep hd)
    | missingDep =>
      obtain ⟨⟨hout, e, he, hk, hd⟩, _, hb, hq⟩ := ho
      exact (complete e (new e he hk hout) dep hd).elim hb hq
    | stale =>
      obtain ⟨⟨hout, ⟨e, he, hk⟩, f, hf, hs, hle⟩, _⟩ := ho
      change e.key = k at hk
      subst hk
      have := onTime e (new e he rfl hout) f hf hs
      exact absurd hle (Nat.not_le_of_lt this)

/-- The trace of a merge: in order, and the new events. -/
theorem merge_trace {batch : List Event} {past : Past} {trace : List Event}
    (h : verdict batch past = .merge trace) :
    Canonical trace ∧ ∀ e, e ∈ trace ↔ IsNew batch past e := by
  obtain ⟨hnone, rfl⟩ := verdict_eq_merge.mp h
  have agree := (rules_iff.mp hnone).1
  refine ⟨Order.traceOf_increases fun x hx y hy hk => ?_,
    fun e => (Order.mem_traceOf _ e).trans mem_newEvents⟩
  exact (agree y (mem_newEvents.mp hy)).2 x (mem_newEvents.mp hx).1 hk

theorem exists_merge {batch : List Event} {past : Past} :
    (∃ trace, verdict batch past = .merge trace) ↔ obstructions batch past = [] := by
  constructor
  · rintro ⟨trace, h⟩; exact (verdict_eq_merge.mp h).1
  · intro h; exact ⟨_, verdict_eq_merge.mpr ⟨h, rfl⟩⟩

end Invariant

theorem Proof.keys_are_of_one_stream_if_node_and_stream_are_the_same :
    Claim.keys_are_of_one_stream_if_node_and_stream_are_the_same :=
  fun _ _ => sameStream_iff

theorem Proof.the_frontier_is_the_largest_certified_key :
    Claim.the_frontier_is_the_largest_certified_key := by
  intro past k frontier
  unfold Past.frontier
  rw [latest_eq_some, mem_streamKeys]
  constructor
  · rintro ⟨h, hmax⟩
    exact ⟨h, fun e he hs => hmax e.key (mem_streamKeys.mpr ⟨e, he, rfl, hs⟩)⟩
  · rintro ⟨h, hmax⟩
    refine ⟨h, fun x hx => ?_⟩
    obtain ⟨e, he, rfl, hs⟩ := mem_streamKeys.mp hx
    exact hmax e he hs

theorem Proof.a_batch_is_merged_if_and_only_if_it_breaks_no_rule :
    Claim.a_batch_is_merged_if_and_only_if_it_breaks_no_rule :=
  fun _ _ => exists_merge.trans rules_iff

theorem Proof.obstructions_are_all_and_only_the_true_ones :
    Claim.obstructions_are_all_and_only_the_true_ones :=
  fun _ _ _ => mem_obstructions

theorem Proof.obstructions_are_told_once_and_in_order :
    Claim.obstructions_are_told_once_and_in_order :=
  fun batch past => (strict_obstructions batch past).imp rank_lt_iff.mp

theorem Proof.a_refusal_names_all_obstructions_and_at_least_one :
    Claim.a_refusal_names_all_obstructions_and_at_least_one :=
  fun _ _ _ => verdict_eq_obstructed

theorem Proof.a_merge_has_exactly_the_new_events : Claim.a_merge_has_exactly_the_new_events :=
  fun _ _ _ h => (merge_trace h).2

theorem Proof.a_merge_is_in_canonical_order : Claim.a_merge_is_in_canonical_order :=
  fun _ _ _ h => (merge_trace h).1

theorem Proof.a_merge_brings_only_keys_new_to_the_past :
    Claim.a_merge_brings_only_keys_new_to_the_past := by
  rintro batch past trace h e he ⟨f, hf, hk⟩
  have agree := (rules_iff.mp (verdict_eq_merge.mp h).1).1
  exact (agree e (((merge_trace h).2 e).mp he)).1 f hf hk

theorem Proof.a_merge_is_a_gluing : Claim.a_merge_is_a_gluing := by
  intro sections past trace h
  obtain ⟨hcan, hmem⟩ := merge_trace h
  refine Section.glue_eq_some.mpr ⟨hcan, fun e => (hmem e).trans ?_⟩
  rw [List.mem_flatten]
  constructor
  · rintro ⟨he, hnew⟩
    obtain ⟨s, hs, he⟩ := List.mem_flatten.mp he
    exact ⟨_, List.mem_map.mpr ⟨s, hs, rfl⟩, mem_newEvents.mpr ⟨he, hnew⟩⟩
  · rintro ⟨t, ht, he⟩
    obtain ⟨s, hs, rfl⟩ := List.mem_map.mp ht
    obtain ⟨he, hnew⟩ := mem_newEvents.mp he
    exact ⟨List.mem_flatten.mpr ⟨s, hs, he⟩, hnew⟩

/-! ## The set of events alone -/

namespace Invariant

theorem same_events {p q : Past} (h : SamePast p q) : SameEvents p.events q.events := by
  intro e
  unfold Past.events
  rw [List.mem_append, List.mem_append, h.1 e, h.2 e]

theorem same_symm {p q : Past} (h : SamePast p q) : SamePast q p :=
  ⟨fun e => (h.1 e).symm, fun e => (h.2 e).symm⟩

theorem same_inBatch {a b : List Event} (h : SameEvents a b) (k : Key) :
    InBatch a k ↔ InBatch b k :=
  ⟨fun ⟨e, he, hk⟩ => ⟨e, (h e).mp he, hk⟩, fun ⟨e, he, hk⟩ => ⟨e, (h e).mpr he, hk⟩⟩

theorem same_inPast {p q : Past} (h : SamePast p q) (k : Key) : InPast p k ↔ InPast q k :=
  same_inBatch (same_events h) k

theorem same_isNew {a b : List Event} {p q : Past} (h : SameEvents a b) (hp : SamePast p q)
    (e : Event) : IsNew a p e ↔ IsNew b q e := by
  unfold IsNew
  rw [h e, same_events hp e]

theorem same_obstruction {a b : List Event} {p q : Past} (h : SameEvents a b) (hp : SamePast p q)
    {o : Obstruction} (ho : IsObstruction a p o) : IsObstruction b q o := by
  obtain ⟨k, kind, dep⟩ := o
  have out : ∀ {k}, ¬ InPast p k → ¬ InPast q k := fun hn hq => hn ((same_inPast hp _).mpr hq)
  cases kind with
  | equivocation =>
    refine ⟨?_, ho.2⟩
    rcases ho.1 with ⟨hin, e, he, hk, hnew⟩ | ⟨hout, e, he, f, hf, h'⟩
    · exact Or.inl ⟨(same_inPast hp _).mp hin, e, (h e).mp he, hk,
        fun hn => hnew ((same_events hp e).mpr hn)⟩
    · exact Or.inr ⟨out hout, e, (h e).mp he, f, (h f).mp hf, h'⟩
  | lamport =>
    obtain ⟨⟨hout, e, he, h'⟩, hl⟩ := ho
    exact ⟨⟨out hout, e, (h e).mp he, h'⟩, hl⟩
  | missingDep =>
    obtain ⟨⟨hout, e, he, h'⟩, hl, hb, hq⟩ := ho
    exact ⟨⟨out hout, e, (h e).mp he, h'⟩, hl, fun hn => hb ((same_inBatch h _).mpr hn), out hq⟩
  | stale =>
    obtain ⟨⟨hout, hin, f, hf, h'⟩, hdep⟩ := ho
    exact ⟨⟨out hout, (same_inBatch h _).mp hin, f, (hp.1 f).mp hf, h'⟩, hdep⟩

theorem same_obstructions {a b : List Event} {p q : Past} (h : SameEvents a b)
    (hp : SamePast p q) : obstructions a p = obstructions b q := by
  refine Section.strict_unique (rank := Obstruction.rank) (strict_obstructions a p)
    (strict_obstructions b q) fun o => ?_
  rw [mem_obstructions, mem_obstructions]
  exact ⟨same_obstruction h hp, same_obstruction (fun e => (h e).symm) (same_symm hp)⟩

end Invariant

theorem Proof.a_verdict_depends_on_the_set_of_events_alone :
    Claim.a_verdict_depends_on_the_set_of_events_alone := by
  intro a b p q h hp
  have hob := same_obstructions h hp
  by_cases hnone : obstructions a p = []
  · obtain ⟨t, ht⟩ := exists_merge.mpr hnone
    obtain ⟨u, hu⟩ := exists_merge.mpr (hob ▸ hnone)
    obtain ⟨htcan, htmem⟩ := merge_trace ht
    obtain ⟨hucan, humem⟩ := merge_trace hu
    have : t = u := Section.strict_unique (rank := fun e : Event => e.key.toNat) htcan hucan
      fun e => (htmem e).trans ((same_isNew h hp e).trans (humem e).symm)
    rw [ht, hu, this]
  · have ha := verdict_eq_obstructed.mpr ⟨rfl, hnone⟩
    have hb := verdict_eq_obstructed.mpr ⟨hob, hnone⟩
    rw [ha, hb]

/-! ## Counts -/

namespace Invariant

theorem same_count {a b : List Event} (h : SameEvents a b) :
    (Section.distinct a).length = (Section.distinct b).length :=
  Section.length_eq (Section.distinct_differ a) fun x => Section.mem_distinct.trans (h x)

/-- What is distinct falls into what satisfies `p` and what does not. -/
theorem count_split (p q : Event → Bool) (h : ∀ e, q e = !p e) (l : List Event) :
    (Section.distinct (l.filter p)).length + Section.copies l +
      (Section.distinct (l.filter q)).length = l.length := by
  induction l with
  | nil => rfl
  | cons x rest ih =>
    have hq := h x
    rw [List.length_cons]
    by_cases hp : p x = true
    · rw [hp, Bool.not_true] at hq
      rw [List.filter_cons_of_pos hp, List.filter_cons_of_neg (by rw [hq]; exact Bool.false_ne_true)]
      unfold Section.copies
      by_cases hx : x ∈ rest
      · have hf : x ∈ rest.filter p := List.mem_filter.mpr ⟨hx, hp⟩
        rw [if_pos hx, Section.distinct, if_pos hf]
        omega
      · have hf : ¬ x ∈ rest.filter p := fun h => hx (List.mem_filter.mp h).1
        rw [if_neg hx, Section.distinct, if_neg hf, List.length_cons]
        omega
    · have hp := Bool.eq_false_iff.mpr hp
      rw [hp, Bool.not_false] at hq
      rw [List.filter_cons_of_pos hq, List.filter_cons_of_neg (by rw [hp]; exact Bool.false_ne_true)]
      unfold Section.copies
      by_cases hx : x ∈ rest
      · have hf : x ∈ rest.filter q := List.mem_filter.mpr ⟨hx, hq⟩
        rw [if_pos hx, Section.distinct, if_pos hf]
        omega
      · have hf : ¬ x ∈ rest.filter q := fun h => hx (List.mem_filter.mp h).1
        rw [if_neg hx, Section.distinct, if_neg hf, List.length_cons]
        omega

end Invariant

theorem Proof.the_count_of_events_depends_on_the_set_of_events_alone :
    Claim.the_count_of_events_depends_on_the_set_of_events_alone := by
  intro a b p q h hp
  refine same_count fun e => ?_
  rw [mem_newEvents, mem_newEvents]
  exact same_isNew h hp e

theorem Proof.the_count_of_repeats_depends_on_the_set_of_events_alone :
    Claim.the_count_of_repeats_depends_on_the_set_of_events_alone := by
  intro a b p q h hp
  refine same_count fun e => ?_
  unfold repeated
  rw [List.mem_filter, List.mem_filter, decide_eq_true_eq, decide_eq_true_eq, h e,
    same_events hp e]

theorem Proof.events_duplicates_and_repeats_are_the_frames :
    Claim.events_duplicates_and_repeats_are_the_frames :=
  fun batch past => count_split _ _
    (fun e => by by_cases h : e ∈ past.events <;> simp only [h, not_true_eq_false,
      not_false_eq_true, decide_true, decide_false, Bool.not_true, Bool.not_false]) batch

theorem Proof.a_merge_has_as_many_events_as_are_counted :
    Claim.a_merge_has_as_many_events_as_are_counted := by
  intro batch past trace h
  obtain ⟨hcan, hmem⟩ := merge_trace h
  exact Section.length_eq (Section.canonical_differ hcan)
    fun e => (hmem e).trans mem_newEvents.symm

end Omega
