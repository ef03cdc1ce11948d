module

public import Omega.Spec.Invariant
public import Omega.Proof.Section

/-! # Proofs about the checker of a batch -/

@[expose] public noncomputable section

namespace Omega.Invariant

open Section

/-! ## What the checker's functions find, said without them -/

/-! ### The frontier -/

theorem key_le_antisymm {a b : Key} (h : a ≤ b) (h' : b ≤ a) : a = b :=
  Proof.packing_is_injective a b (Nat.le_antisymm h h')

theorem latest_eq_none {keys : List Key} : latest keys = none ↔ keys = [] := by
  cases keys with
  | nil => exact ⟨fun _ => rfl, fun _ => rfl⟩
  | cons k rest =>
    refine ⟨fun h => ?_, fun h => absurd h (List.cons_ne_nil _ _)⟩
    unfold latest at h
    cases hl : latest rest with
    | none => simp only [hl, reduceCtorEq] at h
    | some other =>
      by_cases ho : other < k
      · simp only [hl, ho, ↓reduceIte, reduceCtorEq] at h
      · simp only [hl, ho, ↓reduceIte, reduceCtorEq] at h

theorem latest_max {keys : List Key} : ∀ {m : Key}, latest keys = some m →
    m ∈ keys ∧ ∀ k ∈ keys, k ≤ m := by
  induction keys with
  | nil => intro m h; exact absurd h (by simp only [latest, reduceCtorEq, not_false_eq_true])
  | cons k rest ih =>
    intro m h
    unfold latest at h
    cases hl : latest rest with
    | none =>
      simp only [hl, Option.some.injEq] at h
      subst h
      refine ⟨List.mem_cons_self, fun x hx => ?_⟩
      rw [latest_eq_none.mp hl] at hx
      rw [List.mem_singleton.mp hx]
      exact Nat.le_refl _
    | some other =>
      obtain ⟨hm, hmax⟩ := ih hl
      by_cases ho : other < k
      · simp only [hl, ho, ↓reduceIte, Option.some.injEq] at h
        subst h
        refine ⟨List.mem_cons_self, fun x hx => ?_⟩
        rcases List.mem_cons.mp hx with rfl | hx
        · exact Nat.le_refl _
        · exact Nat.le_trans (hmax x hx) (Nat.le_of_lt ho)
      · simp only [hl, ho, ↓reduceIte, Option.some.injEq] at h
        subst h
        refine ⟨List.mem_cons_of_mem _ hm, fun x hx => ?_⟩
        rcases List.mem_cons.mp hx with rfl | hx
        · exact Nat.le_of_not_lt ho
        · exact hmax x hx

theorem latest_eq_some {keys : List Key} {m : Key} :
    latest keys = some m ↔ m ∈ keys ∧ ∀ k ∈ keys, k ≤ m := by
  refine ⟨latest_max, fun ⟨hm, hmax⟩ => ?_⟩
  cases hl : latest keys with
  | none => rw [latest_eq_none.mp hl] at hm; exact absurd hm List.not_mem_nil
  | some other =>
    obtain ⟨ho, homax⟩ := latest_max hl
    rw [key_le_antisymm (hmax other ho) (homax m hm)]

theorem mem_streamKeys {past : Past} {k x : Key} :
    x ∈ (past.certified.map Event.key).filter (sameStream k) ↔
      ∃ e ∈ past.certified, e.key = x ∧ sameStream k e.key = true := by
  rw [List.mem_filter, List.mem_map]
  constructor
  · rintro ⟨⟨e, he, rfl⟩, hs⟩; exact ⟨e, he, rfl, hs⟩
  · rintro ⟨e, he, rfl, hs⟩; exact ⟨⟨e, he, rfl⟩, hs⟩

theorem isStale_iff {past : Past} {k : Key} :
    isStale past k = true ↔ ∃ f ∈ past.certified, sameStream k f.key = true ∧ k ≤ f.key := by
  unfold isStale
  cases hf : past.frontier k with
  | none =>
    have hnil := latest_eq_none.mp hf
    simp only [Bool.false_eq_true, false_iff]
    rintro ⟨f, hfc, hs, _⟩
    have := mem_streamKeys.mpr ⟨f, hfc, rfl, hs⟩
    rw [hnil] at this
    exact absurd this List.not_mem_nil
  | some m =>
    obtain ⟨hm, hmax⟩ := latest_max hf
    simp only [decide_eq_true_eq]
    constructor
    · intro hle
      obtain ⟨f, hfc, rfl, hs⟩ := mem_streamKeys.mp hm
      exact ⟨f, hfc, hs, hle⟩
    · rintro ⟨f, hfc, hs, hle⟩
      exact Nat.le_trans hle (hmax f.key (mem_streamKeys.mpr ⟨f, hfc, rfl, hs⟩))

theorem sameStream_iff {a b : Key} :
    sameStream a b = true ↔ a.node = b.node ∧ a.stream = b.stream := by
  unfold sameStream
  rw [Bool.and_eq_true, decide_eq_true_eq, decide_eq_true_eq]

theorem sameStream_symm {a b : Key} (h : sameStream a b = true) : sameStream b a = true :=
  sameStream_iff.mpr ⟨(sameStream_iff.mp h).1.symm, (sameStream_iff.mp h).2.symm⟩

theorem sameStream_self (a : Key) : sameStream a a = true := sameStream_iff.mpr ⟨rfl, rfl⟩

/-! ### Obstructions -/

theorem holds_past {past : Past} {k : Key} : past.holds k = true ↔ InPast past k := holds_iff

theorem holds_batch {batch : List Event} {k : Key} : holds batch k = true ↔ InBatch batch k :=
  holds_iff

/-- What an event is charged with. -/
inductive Charge (batch : List Event) (past : Past) (e : Event) : Obstruction → Prop where
  | rewritten : InPast past e.key → e ∉ past.events →
      Charge batch past e ⟨e.key, .equivocation, noDep⟩
  | version (f : Event) : ¬ InPast past e.key → f ∈ batch → f.key = e.key → f ≠ e →
      Charge batch past e ⟨e.key, .equivocation, noDep⟩
  | lamport (d : Key) : ¬ InPast past e.key → d ∈ e.deps → ¬ d.lamport < e.key.lamport →
      Charge batch past e ⟨e.key, .lamport, d⟩
  | missing (d : Key) : ¬ InPast past e.key → d ∈ e.deps → d.lamport < e.key.lamport →
      ¬ InBatch batch d → ¬ InPast past d → Charge batch past e ⟨e.key, .missingDep, d⟩
  | stale (f : Event) : ¬ InPast past e.key → f ∈ past.certified →
      sameStream e.key f.key = true → e.key ≤ f.key → Charge batch past e ⟨e.key, .stale, noDep⟩

theorem mem_chargesOfDep {batch : List Event} {past : Past} {k d : Key} {o : Obstruction} :
    o ∈ chargesOfDep batch past k d ↔
      (d.lamport < k.lamport ∧ ¬ InBatch batch d ∧ ¬ InPast past d ∧ o = ⟨k, .missingDep, d⟩) ∨
        (¬ d.lamport < k.lamport ∧ o = ⟨k, .lamport, d⟩) := by
  unfold chargesOfDep
  rw [← holds_batch, ← holds_past]
  by_cases hl : d.lamport < k.lamport
  · cases hb : holds batch d <;> cases hp : past.holds d <;>
      simp only [hl, Bool.or_false, Bool.or_true, Bool.false_eq_true, ↓reduceIte,
        List.mem_singleton, List.not_mem_nil, not_true_eq_false, not_false_eq_true, true_and,
        false_and, or_false, and_false]
  · simp only [hl, ↓reduceIte, List.mem_singleton, not_false_eq_true, true_and, false_and,
      false_or]

theorem mem_charges {batch : List Event} {past : Past} {e : Event} {o : Obstruction} :
    o ∈ charges batch past e ↔ Charge batch past e o := by
  unfold charges
  by_cases hp : past.holds e.key = true
  · rw [if_pos hp]
    have hin := holds_past.mp hp
    by_cases he : e ∈ past.events
    · rw [if_pos he]
      refine ⟨fun h => absurd h List.not_mem_nil, fun h => ?_⟩
      cases h <;> contradiction
    · rw [if_neg he, List.mem_singleton]
      constructor
      · rintro rfl; exact .rewritten hin he
      · intro h; cases h <;> first | rfl | contradiction
  · rw [if_neg hp]
    have hout : ¬ InPast past e.key := fun h => hp (holds_past.mpr h)
    rw [List.mem_append, List.mem_append, List.mem_flatMap]
    constructor
    · rintro (h | ⟨d, hd, h⟩ | h)
      · by_cases hdis : isDisputed batch e = true
        · rw [if_pos hdis, List.mem_singleton] at h
          obtain ⟨f, hf, hk, hne⟩ := isDisputed_iff.mp hdis
          subst h
          exact .version f hout hf hk hne
        · rw [if_neg hdis] at h; exact absurd h List.not_mem_nil
      · rcases mem_chargesOfDep.mp h with ⟨hl, hb, hq, rfl⟩ | ⟨hl, rfl⟩
        · exact .missing d hout hd hl hb hq
        · exact .lamport d hout hd hl
      · by_cases hs : isStale past e.key = true
        · rw [if_pos hs, List.mem_singleton] at h
          obtain ⟨f, hf, hst, hle⟩ := isStale_iff.mp hs
          subst h
          exact .stale f hout hf hst hle
        · rw [if_neg hs] at h; exact absurd h List.not_mem_nil
    · intro h
      cases h with
      | rewritten hin _ => exact absurd hin hout
      | version f _ hf hk hne =>
        refine Or.inl ?_
        rw [if_pos (isDisputed_iff.mpr ⟨f, hf, hk, hne⟩)]
        exact List.mem_singleton.mpr rfl
      | lamport d _ hd hl =>
        exact Or.inr (Or.inl ⟨d, hd, mem_chargesOfDep.mpr (Or.inr ⟨hl, rfl⟩)⟩)
      | missing d _ hd hl hb hq =>
        exact Or.inr (Or.inl ⟨d, hd, mem_chargesOfDep.mpr (Or.inl ⟨hl, hb, hq, rfl⟩)⟩)
      | stale f _ hf hst hle =>
        refine Or.inr (Or.inr ?_)
        rw [if_pos (isStale_iff.mpr ⟨f, hf, hst, hle⟩)]
        exact List.mem_singleton.mpr rfl

theorem mem_obstructions {batch : List Event} {past : Past} {o : Obstruction} :
    o ∈ obstructions batch past ↔ IsObstruction batch past o := by
  unfold obstructions
  rw [mem_canonicalBy, List.mem_flatMap]
  constructor
  · rintro ⟨e, he, h⟩
    cases mem_charges.mp h with
    | rewritten hin hnew => exact ⟨Or.inl ⟨hin, e, he, rfl, hnew⟩, rfl⟩
    | version f hout hf hk hne => exact ⟨Or.inr ⟨hout, f, hf, e, he, hk, rfl, hne⟩, rfl⟩
    | lamport d hout hd hl => exact ⟨⟨hout, e, he, rfl, hd⟩, hl⟩
    | missing d hout hd hl hb hq => exact ⟨⟨hout, e, he, rfl, hd⟩, hl, hb, hq⟩
    | stale f hout hf hst hle => exact ⟨⟨hout, ⟨e, he, rfl⟩, f, hf, hst, hle⟩, rfl⟩
  · obtain ⟨k, kind, dep⟩ := o
    intro h
    cases kind with
    | equivocation =>
      obtain ⟨h, hdep⟩ := h
      change dep = noDep at hdep
      subst hdep
      rcases h with ⟨hin, e, he, hk, hnew⟩ | ⟨hout, e, he, f, hf, hek, hfk, hne⟩
      · change e.key = k at hk
        subst hk
        exact ⟨e, he, mem_charges.mpr (.rewritten hin hnew)⟩
      · change e.key = k at hek
        subst hek
        exact ⟨e, he, mem_charges.mpr (.version f hout hf hfk (fun h => hne h.symm))⟩
    | lamport =>
      obtain ⟨⟨hout, e, he, hk, hd⟩, hl⟩ := h
      change e.key = k at hk
      subst hk
      exact ⟨e, he, mem_charges.mpr (.lamport dep hout hd hl)⟩
    | missingDep =>
      obtain ⟨⟨hout, e, he, hk, hd⟩, hl, hb, hq⟩ := h
      change e.key = k at hk
      subst hk
      exact ⟨e, he, mem_charges.mpr (.missing dep hout hd hl hb hq)⟩
    | stale =>
      obtain ⟨⟨hout, ⟨e, he, hk⟩, f, hf, hst, hle⟩, hdep⟩ := h
      change e.key = k at hk
      change dep = noDep at hdep
      subst hk
      subst hdep
      exact ⟨e, he, mem_charges.mpr (.stale f hout hf hst hle)⟩

/-! ### The order of obstructions -/

theorem kind_number_lt (k : Kind) : k.number < 4 := by cases k <;> decide

theorem kind_number_injective {a b : Kind} (h : a.number = b.number) : a = b := by
  cases a <;> cases b <;> first | rfl | exact absurd h (by decide)

theorem rank_lt_iff {a b : Obstruction} : a.rank < b.rank ↔ Before a b := by
  unfold Obstruction.rank Before
  have ha := Proof.packing_is_below_two_to_the_224 a.dep
  have hb := Proof.packing_is_below_two_to_the_224 b.dep
  have hka := kind_number_lt a.kind
  have hkb := kind_number_lt b.kind
  have hk : a.key = b.key ↔ a.key.toNat = b.key.toNat :=
    ⟨congrArg Key.toNat, Proof.packing_is_injective _ _⟩
  rw [hk]
  change _ ↔ a.key.toNat < b.key.toNat ∨ a.key.toNat = b.key.toNat ∧
    (a.kind.number < b.kind.number ∨ a.kind.number = b.kind.number ∧ a.dep.toNat < b.dep.toNat)
  generalize a.key.toNat = x at *
  generalize b.key.toNat = y at *
  generalize a.kind.number = m at *
  generalize b.kind.number = n at *
  generalize a.dep.toNat = u at *
  generalize b.dep.toNat = v at *
  omega

theorem rank_injective {a b : Obstruction} (h : a.rank = b.rank) : a = b := by
  have hab : ¬ Before a b := fun h' => by have := rank_lt_iff.mpr h'; omega
  have hba : ¬ Before b a := fun h' => by have := rank_lt_iff.mpr h'; omega
  unfold Before at hab hba
  have hkey : a.key.toNat = b.key.toNat := by
    have h1 : ¬ a.key.toNat < b.key.toNat := fun h => hab (Or.inl h)
    have h2 : ¬ b.key.toNat < a.key.toNat := fun h => hba (Or.inl h)
    omega
  have hkey' := Proof.packing_is_injective _ _ hkey
  have hkind : a.kind.number = b.kind.number := by
    have h1 : ¬ a.kind.number < b.kind.number := fun h => hab (Or.inr ⟨hkey', Or.inl h⟩)
    have h2 : ¬ b.kind.number < a.kind.number := fun h => hba (Or.inr ⟨hkey'.symm, Or.inl h⟩)
    omega
  have hdep : a.dep.toNat = b.dep.toNat := by
    have h1 : ¬ a.dep.toNat < b.dep.toNat := fun h => hab (Or.inr ⟨hkey', Or.inr ⟨hkind, h⟩⟩)
    have h2 : ¬ b.dep.toNat < a.dep.toNat :=
      fun h => hba (Or.inr ⟨hkey'.symm, Or.inr ⟨hkind.symm, h⟩⟩)
    omega
  have hdep' := Proof.packing_is_injective _ _ hdep
  have hkind' := kind_number_injective hkind
  cases a
  cases b
  rw [Obstruction.mk.injEq]
  exact ⟨hkey', hkind', hdep'⟩

theorem strict_obstructions (batch : List Event) (past : Past) :
    (obstructions batch past).Pairwise (fun a b => a.rank < b.rank) :=
  strict_canonicalBy (fun _ _ _ _ => rank_injective)

end Omega.Invariant

namespace Omega

open Invariant

/-! ## The checker -/

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

/-! ### The set of events alone -/

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

/-! ### Counts -/

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
