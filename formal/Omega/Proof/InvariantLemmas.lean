module

public import Omega.Spec.Invariant
public import Omega.Proof.SectionLemmas

/-! Lemmas about the checker: what its functions find, said without them. -/

@[expose] public noncomputable section

namespace Omega.Invariant

open Section

/-! ## The frontier -/

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

/-! ## Obstructions -/

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

/-! ## The order of obstructions -/

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
