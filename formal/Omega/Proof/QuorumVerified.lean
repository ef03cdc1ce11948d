module

public import Omega.Proof.QuorumFrame

/-!
# The quorum: what is held is verified

All that a member holds is verified, and what it appends has all votes.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-! ## What is held -/

/-- What is held of a member's prepares is signed by it, and the current one is of the attempt. -/
def HeldFine (config : Config) (height attempt : Nat) (i : Member) (h : Held) : Prop :=
  (∀ p, h.newest = some p → verifyPrepare config height i p = true) ∧
    ∀ p, h.current = some p → verifyPrepare config height i p = true ∧ p.attempt = attempt

/-- All that the state holds is verified. -/
structure Verified (config : Config) (s : State) : Prop where
  lenP : s.prepares.length = config.members
  lenC : s.commits.length = config.members
  held : ∀ i, i < config.members → HeldFine config s.height s.attempt i (s.held i)
  commits : ∀ i, i < config.members → ∀ c, s.commit i = some c → verifyVote config i c = true
  proof : ∀ q, s.proof = some q → proofHolds config s.height q = true
  lock : ∀ q, s.lock = some q → proofHolds config s.height q = true

/-- The state is verified, and so is what has been appended. -/
structure Sure (config : Config) (t : Turn) : Prop where
  state : Verified config t.state
  appended : ∀ c, Effect.append c ∈ t.effects → votesVerify config c = true

variable {config : Config} {t u : Turn}

theorem getD_set_or {α : Type} (l : List α) (i j : Nat) (a d : α) :
    (i = j ∧ (l.set i a).getD j d = a) ∨ (l.set i a).getD j d = l.getD j d := by
  by_cases h : i = j
  · subst h
    by_cases hl : i < l.length
    · left
      refine ⟨rfl, ?_⟩
      simp only [List.getD_eq_getElem?_getD, List.getElem?_set_self hl, Option.getD_some]
    · right
      rw [List.set_eq_of_length_le (by omega)]
  · right
    simp only [List.getD_eq_getElem?_getD, List.getElem?_set_ne h]

theorem getD_map {α β : Type} (f : α → β) (d : α) (e : β) (hf : f d = e) (l : List α) (i : Nat) :
    (l.map f).getD i e = f (l.getD i d) := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_map]
  cases l[i]? with
  | none => exact hf.symm
  | some x => rfl

theorem getD_mem {α : Type} {l : List α} {i : Nat} {d : α} (h : i < l.length) :
    l.getD i d ∈ l := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_eq_getElem h, Option.getD_some]
  exact List.getElem_mem h

theorem proofHolds_part {height : Nat} {q : Proof} (h : proofHolds config height q = true)
    (i : Nat) (hi : i < config.members) : verifyPrepare config height i (part q i) = true := by
  unfold proofHolds at h
  simp only [Bool.and_eq_true] at h
  exact List.all_eq_true.mp h.2 i (List.mem_range.mpr hi)

/-! ### Quiet parts -/

theorem Sure.put (h : Sure config t) {e : Effect} (he : ∀ c, e ≠ .append c) :
    Sure config (t.put e) := by
  refine ⟨h.state, ?_⟩
  intro c hc
  cases List.mem_append.mp hc with
  | inl hc => exact h.appended c hc
  | inr hc => exact absurd (List.mem_singleton.mp hc).symm (he c)

theorem Verified.same {s r : State} (h : Verified config s) (hc : r.chain = s.chain)
    (ha : r.attempt = s.attempt) (hp : r.prepares = s.prepares) (hk : r.commits = s.commits)
    (hq : r.proof = s.proof) (hl : r.lock = s.lock) : Verified config r := by
  have hh : r.height = s.height := by unfold State.height; rw [hc]
  refine ⟨?_, ?_, ?_, ?_, ?_, ?_⟩
  · rw [hp]; exact h.lenP
  · rw [hk]; exact h.lenC
  · unfold State.held
    rw [hh, ha, hp]
    exact h.held
  · unfold State.commit
    rw [hk]
    exact h.commits
  · rw [hq, hh]; exact h.proof
  · rw [hl, hh]; exact h.lock

theorem Sure.more (h : Sure config t) {s : State} (hs : Verified config s) {e : Effect}
    (he : ∀ c, e ≠ .append c) : Sure config (Turn.put ⟨s, t.effects⟩ e) :=
  Sure.put (t := ⟨s, t.effects⟩) ⟨hs, h.appended⟩ he

theorem Sure.halt (h : Sure config t) (r : Reason) (w : Wire) :
    Sure config (halt config r w t) := by
  unfold Quorum.halt
  dsimp only
  refine Sure.more h ?_ (fun c he => ?_)
  · exact h.state.same rfl rfl rfl rfl rfl rfl
  · cases he

theorem Sure.disowned (h : Sure config t) (p : SignedPrepare) :
    Sure config (disowned config p t) := by
  unfold Quorum.disowned
  split
  · exact h.halt _ _
  · exact h

theorem Sure.disownedCommit (h : Sure config t) (c : SignedCommit) :
    Sure config (disownedCommit config c t) := by
  unfold Quorum.disownedCommit
  split
  · exact h
  · exact h.halt _ _

theorem Sure.accuse (h : Sure config t) (e : Evidence) : Sure config (accuse e t).1 := by
  unfold Quorum.accuse
  split
  · exact h
  · dsimp only
    refine Sure.more h ?_ (fun c he => ?_)
    · exact h.state.same rfl rfl rfl rfl rfl rfl
    · cases he

theorem Sure.compare (h : Sure config t) (i : Member) (a b : SignedPrepare) :
    Sure config (compare config i a b t).1 := by
  unfold Quorum.compare
  split
  · exact h
  · exact h.accuse _

theorem Sure.setHeld (h : Sure config t) {i : Member} {x : Held}
    (hx : HeldFine config t.state.height t.state.attempt i x) : Sure config (setHeld i x t) := by
  have v := h.state
  refine ⟨⟨?_, v.lenC, ?_, v.commits, v.proof, v.lock⟩, h.appended⟩
  · show (List.set _ _ _).length = _
    rw [List.length_set]
    exact v.lenP
  · intro j hj
    have hor := getD_set_or t.state.prepares i j x {}
    show HeldFine config t.state.height t.state.attempt j ((List.set _ _ _).getD j {})
    cases hor with
    | inl ho => rw [ho.2]; rw [← ho.1]; exact hx
    | inr ho => rw [ho]; exact v.held j hj

theorem Sure.setCommit (h : Sure config t) {i : Member} {c : SignedCommit}
    (hc : verifyVote config i c = true) : Sure config (setCommit i c t) := by
  have v := h.state
  refine ⟨⟨v.lenP, ?_, v.held, ?_, v.proof, v.lock⟩, h.appended⟩
  · show (List.set _ _ _).length = _
    rw [List.length_set]
    exact v.lenC
  · intro j hj k hk
    have hor := getD_set_or t.state.commits i j (some c) none
    have hk : (t.state.commits.set i (some c)).getD j none = some k := hk
    cases hor with
    | inl ho => rw [ho.2] at hk; cases hk; rw [← ho.1]; exact hc
    | inr ho => rw [ho] at hk; exact v.commits j hj k hk

theorem Sure.holdNewest (h : Sure config t) {i : Member} {p : SignedPrepare}
    (hi : i < config.members) (hp : verifyPrepare config t.state.height i p = true) :
    Sure config (holdNewest config i p t).1 := by
  have hx : HeldFine config t.state.height t.state.attempt i
      { t.state.held i with newest := some p } := by
    refine ⟨?_, (h.state.held i hi).2⟩
    intro q hq
    cases hq
    exact hp
  unfold Quorum.holdNewest
  dsimp only
  split
  · exact h.setHeld hx
  · split
    · exact h.setHeld hx
    · split
      · exact h.compare _ _ _
      · exact h

theorem Sure.holdCurrent (h : Sure config t) {i : Member} {p : SignedPrepare}
    (hi : i < config.members) (hp : verifyPrepare config t.state.height i p = true) :
    Sure config (holdCurrent config i p t).1 := by
  unfold Quorum.holdCurrent
  dsimp only
  split
  · rename_i ha
    split
    · refine h.setHeld ⟨(h.state.held i hi).1, ?_⟩
      intro q hq
      cases hq
      exact ⟨hp, ha⟩
    · exact h.compare _ _ _
  · exact h

theorem Quiet.height (q : Quiet config t u) : u.state.height = t.state.height := by
  unfold State.height
  rw [q.chain]

theorem Sure.holdPrepare (h : Sure config t) {i : Member} {p : SignedPrepare}
    (hi : i < config.members) (hp : verifyPrepare config t.state.height i p = true) :
    Sure config (holdPrepare config i p t).1 := by
  unfold Quorum.holdPrepare
  split
  · exact h.disowned _
  · rename_i hne
    refine (h.holdNewest hi hp).holdCurrent hi ?_
    rw [(Quiet.holdNewest hne p t).height]
    exact hp

theorem Sure.holdCommit (h : Sure config t) {i : Member} {c : SignedCommit}
    (hc : verifyVote config i c = true) : Sure config (holdCommit config i c t) := by
  unfold Quorum.holdCommit
  split
  · exact h.disownedCommit _
  · split
    · exact h.setCommit hc
    · split
      · exact h
      · exact h.accuse _

theorem Sure.holdParts (h : Sure config t) {q : Proof}
    (hq : proofHolds config t.state.height q = true) : Sure config (holdParts config q t) := by
  have hfold : ∀ (l : List Nat), (∀ i, i ∈ l → i < config.members) → ∀ (v : Turn),
      Sure config v → proofHolds config v.state.height q = true →
      Sure config (l.foldl (fun t i => (Quorum.holdPrepare config i (part q i) t).1) v) := by
    intro l
    induction l with
    | nil => intro _ v hv _; exact hv
    | cons i l ih =>
      intro hl v hv hh
      have hi := hl i (List.mem_cons_self ..)
      refine ih (fun j hj => hl j (List.mem_cons_of_mem _ hj)) _ ?_ ?_
      · exact hv.holdPrepare hi (proofHolds_part hh i hi)
      · rw [(Quiet.holdPrepare i (part q i) v).height]
        exact hh
  exact hfold _ (fun i hi => List.mem_range.mp hi) t h hq

theorem Sure.persist (h : Sure config t) : Sure config (persist config t) :=
  h.put (fun _ he => by cases he)

theorem Sure.withState (h : Sure config t) {s : State} (hs : Verified config s) :
    Sure config { t with state := s } := ⟨hs, h.appended⟩

theorem Verified.prune {s : State} (h : Verified config s) : Verified config (prune config s) :=
  h.same rfl rfl rfl rfl rfl rfl

theorem Sure.resync (h : Sure config t) (i : Option Member) : Sure config (resync config i t) :=
  h.put (fun _ he => by cases he)

theorem Sure.askSilent (h : Sure config t) : Sure config (askSilent config t) := by
  have hfold : ∀ (l : List Nat) (v : Turn), Sure config v →
      Sure config (l.foldl (fun t i =>
        if t.state.answered.getD i true then t else Quorum.resync config (some i) t) v) := by
    intro l
    induction l with
    | nil => intro v hv; exact hv
    | cons i l ih =>
      intro v hv
      refine ih _ ?_
      dsimp only
      split
      · exact hv
      · exact hv.resync _
  exact hfold _ t h

theorem Sure.elsewhere (h : Sure config t) (i : Member) (height : Nat) :
    Sure config (elsewhere config i height t) := by
  unfold Quorum.elsewhere
  split
  · exact h
  · split
    · exact h.put (fun _ he => by cases he)
    · exact (h.put (fun _ he => by cases he)).resync _

theorem Sure.learn {p : Option Proof} {r : Turn × Bool} (h : Sure config t)
    (hr : learn config p t = .ok r) :
    Sure config r.1 ∧ r.1.state.height = t.state.height := by
  unfold Quorum.learn at hr
  split at hr
  · cases hr; exact ⟨h, rfl⟩
  · rename_i p
    split at hr
    · cases hr; exact ⟨h, rfl⟩
    · split at hr
      · cases hr
      · rename_i hp
        have hp : proofHolds config t.state.height p = true := by simpa using hp
        split at hr
        · cases hr
          exact ⟨h.disowned _, (Quiet.disowned (config := config) (part p config.self) t).height⟩
        · cases hr
          have v := h.state
          have h1 : Sure config (Quorum.persist config
              { t with state := Quorum.prune config { t.state with proof := some p } }) := by
            refine Sure.persist (h.withState (Verified.prune
              ⟨v.lenP, v.lenC, v.held, v.commits, ?_, v.lock⟩))
            intro q hq
            cases hq
            exact hp
          exact ⟨h1.holdParts hp, (Quiet.holdParts (config := config) p (Quorum.persist config
            { t with state := Quorum.prune config { t.state with proof := some p } })).height⟩

/-! ## What the member does by itself -/

theorem Sure.sendPrepare (h : Sure config t) : Sure config (sendPrepare config t) := by
  unfold Quorum.sendPrepare
  split
  · exact h
  · exact h.put (fun _ he => by cases he)

theorem Sure.sendCommit (h : Sure config t) : Sure config (sendCommit config t) := by
  unfold Quorum.sendCommit
  split
  · exact h
  · exact h.put (fun _ he => by cases he)

theorem Sure.prepareFor (hs : Signs config) (h : Sure config t) (d : Digest) :
    Sure config (prepareFor config d t) := by
  unfold Quorum.prepareFor
  dsimp only
  refine Sure.sendPrepare (Sure.persist (Sure.withState (h.setHeld ?_) (Verified.prune
    (h.setHeld ?_).state)))
  all_goals
    refine ⟨?_, ?_⟩
    · intro q hq
      cases hq
      exact hs _
    · intro q hq
      cases hq
      exact ⟨hs _, rfl⟩

theorem Sure.prepare (hs : Signs config) (h : Sure config t) (hu : prepare config t = some u) :
    Sure config u := by
  unfold Quorum.prepare at hu
  split at hu
  · cases hu; exact h
  · split at hu
    · cases hu
    · split at hu
      · cases hu; exact h.prepareFor hs _
      · cases hu

theorem Sure.advance (h : Sure config t) : Sure config (advance config t) := by
  have v := h.state
  refine h.withState (Verified.prune (s := { t.state with
      attempt := t.state.attempt + 1, own := none
      prepares := t.state.prepares.map fun held =>
        { held with current := held.newest.filter (·.attempt == t.state.attempt + 1) } })
    ⟨?_, v.lenC, ?_, v.commits, v.proof, v.lock⟩)
  · show (List.map _ _).length = _
    rw [List.length_map]
    exact v.lenP
  · intro i hi
    have hm := getD_map (fun held : Held =>
      { held with current := held.newest.filter (·.attempt == t.state.attempt + 1) }) {} {} rfl
      t.state.prepares i
    show HeldFine config t.state.height (t.state.attempt + 1) i ((List.map _ _).getD i {})
    rw [hm]
    refine ⟨(v.held i hi).1, ?_⟩
    intro p hp
    simp only [Option.filter_eq_some_iff, beq_iff_eq] at hp
    exact ⟨(v.held i hi).1 p hp.1, hp.2⟩

theorem all_current {s : State} {d : Digest} (v : Verified config s) (ha : allHeld s = true)
    (hd : allFor s d = true) (i : Nat) (hi : i < config.members) :
    ∃ p, (s.held i).current = some p ∧ p.digest = d ∧ p.attempt = s.attempt ∧
      verifyPrepare config s.height i p = true := by
  have hmem : s.held i ∈ s.prepares := getD_mem (by rw [v.lenP]; exact hi)
  obtain ⟨p, hp⟩ := Option.isSome_iff_exists.mp (List.all_eq_true.mp ha _ hmem)
  have hdig := List.all_eq_true.mp hd _ hmem
  rw [hp] at hdig
  have hdig : (p.digest == d) = true := hdig
  have hf := (v.held i hi).2 p hp
  exact ⟨p, hp, by simpa using hdig, hf.2, hf.1⟩

theorem gather_holds {s : State} {d : Digest} (v : Verified config s) (ha : allHeld s = true)
    (hd : allFor s d = true) : proofHolds config s.height (gather s d) = true := by
  unfold proofHolds
  simp only [Bool.and_eq_true, beq_iff_eq]
  refine ⟨?_, ?_⟩
  · show (List.map _ _).length = _
    rw [List.length_map]
    exact v.lenP
  · refine List.all_eq_true.mpr (fun i hi => ?_)
    obtain ⟨p, hp, hdig, hatt, hver⟩ := all_current v ha hd i (List.mem_range.mp hi)
    have hm := getD_map (fun held : Held => (held.current.map (·.signature)).getD 0) {} 0 rfl
      s.prepares i
    have hpart : part (gather s d) i = p := by
      unfold part gather
      dsimp only
      rw [hm]
      have hp' : (s.prepares.getD i {}).current = some p := hp
      rw [hp']
      cases p
      simp only [Option.map_some, Option.getD_some, SignedPrepare.mk.injEq, and_true]
      exact ⟨hatt.symm, hdig.symm⟩
    rw [hpart]
    exact hver

theorem Sure.raise (h : Sure config t) {d : Digest} (ha : allHeld t.state = true)
    (hd : allFor t.state d = true) : Sure config (raise config d t) := by
  have v := h.state
  have h1 : Sure config { t with state := { t.state with proof := some (gather t.state d) } } := by
    refine h.withState ⟨v.lenP, v.lenC, v.held, v.commits, ?_, v.lock⟩
    intro q hq
    cases hq
    show proofHolds config t.state.height (gather t.state d) = true
    exact gather_holds (s := t.state) v ha hd
  unfold Quorum.raise
  dsimp only
  split
  · exact h
  · split
    · exact h1.persist
    · exact h1

theorem Sure.makeCommit (hs : Signs config) (h : Sure config t) :
    Sure config (makeCommit config t) := by
  unfold Quorum.makeCommit
  split
  · exact h
  · split
    · exact h
    · rename_i c hc
      refine h.setCommit ?_
      have hdig : config.hash c.envelope = _ := find_digest hc
      unfold verifyVote
      rw [hdig]
      exact hs _

theorem Sure.lock (hs : Signs config) (h : Sure config t) {d : Digest}
    (ha : allHeld t.state = true) (hd : allFor t.state d = true) :
    Sure config (lock config d t) := by
  have h1 := h.raise ha hd
  unfold Quorum.lock
  dsimp only
  split
  · exact h1
  · have v := h1.state
    exact Sure.sendCommit (Sure.makeCommit hs (Sure.persist (h1.withState
      ⟨v.lenP, v.lenC, v.held, v.commits, v.proof, v.proof⟩)))

theorem Sure.rounds (hs : Signs config) : ∀ (fuel : Nat) {t : Turn}, Sure config t →
    Sure config (rounds config fuel t)
  | 0, _, h => h
  | fuel + 1, t, h => by
    unfold Quorum.rounds
    split
    · exact h
    · rename_i u hu
      have h1 := h.prepare hs hu
      split
      · exact h1
      · split
        · exact h1
        · rename_i ha
          have ha : allHeld u.state = true := by simpa using ha
          split
          · rename_i hd
            exact h1.lock hs ha hd
          · exact Sure.rounds hs fuel h1.advance

theorem Verified.fresh (s : State) (chain : Chain) : Verified config (fresh config s chain) := by
  have hheld : ∀ i, (Quorum.fresh config s chain).held i = {} := by
    intro i
    show (List.replicate config.members ({} : Held)).getD i {} = {}
    simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate]
    split <;> rfl
  have hcommit : ∀ i, (Quorum.fresh config s chain).commit i = none := by
    intro i
    show (List.replicate config.members (none : Option SignedCommit)).getD i none = none
    simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate]
    split <;> rfl
  refine ⟨List.length_replicate, List.length_replicate, ?_, ?_, ?_, ?_⟩
  · intro i _
    rw [hheld]
    refine ⟨?_, ?_⟩
    · intro p hp; cases hp
    · intro p hp; cases hp
  · intro i _ c hc
    rw [hcommit] at hc
    cases hc
  · intro q hq; cases hq
  · intro q hq; cases hq

theorem Sure.enter (h : Sure config t) (chain : Chain) : Sure config (enter config chain t) := by
  unfold Quorum.enter
  dsimp only
  split
  · exact h.withState (Verified.fresh _ _)
  · exact Sure.resync (h.withState (s := { Quorum.fresh config t.state chain with
      answered := onlySelf config })
      (Verified.fresh { t.state with answered := onlySelf config } chain)) _

theorem Sure.append (h : Sure config t) {c : Certificate} (hc : votesVerify config c = true) :
    Sure config (t.put (.append c)) := by
  refine ⟨h.state, ?_⟩
  intro x hx
  cases List.mem_append.mp hx with
  | inl hx => exact h.appended x hx
  | inr hx =>
    cases List.mem_singleton.mp hx
    exact hc

theorem votesFor_some {e : Envelope} : ∀ {l : List (Option SignedCommit)} {vs : List Signature},
    votesFor e l = some vs → vs.length = l.length ∧
      ∀ i, i < l.length → ∃ c, l.getD i none = some c ∧ c.envelope = e ∧ vs.getD i 0 = c.vote
  | [], vs, h => by
    cases h
    exact ⟨rfl, fun i hi => absurd hi (Nat.not_lt_zero i)⟩
  | none :: _, vs, h => by cases h
  | some c :: l, vs, h => by
    unfold votesFor at h
    split at h
    · rename_i he
      obtain ⟨ws, hw, rfl⟩ := Option.map_eq_some_iff.mp h
      have ih := votesFor_some hw
      refine ⟨by simp only [List.length_cons, ih.1], ?_⟩
      intro i hi
      cases i with
      | zero => exact ⟨c, rfl, he, rfl⟩
      | succ i => exact ih.2 i (Nat.lt_of_succ_lt_succ hi)
    · cases h

theorem Sure.conclude (h : Sure config t) : Sure config (conclude config t) := by
  unfold Quorum.conclude
  split
  · exact h
  · split
    · exact h
    · split
      · rename_i content _ _ _ votes next hv _
        have hs := votesFor_some hv
        refine Sure.enter (Sure.put (h.append ?_) (fun _ he => by cases he)) _
        unfold votesVerify
        simp only [Bool.and_eq_true, beq_iff_eq]
        refine ⟨hs.1.trans h.state.lenC, List.all_eq_true.mpr (fun i hi => ?_)⟩
        have hi := List.mem_range.mp hi
        obtain ⟨c, hc, he, hvote⟩ := hs.2 i (by rw [h.state.lenC]; exact hi)
        have hver := h.state.commits i hi c hc
        rw [hvote, ← he]
        exact hver
      · exact h

theorem Sure.progress (hs : Signs config) (h : Sure config t) :
    Sure config (progress config t) := by
  unfold Quorum.progress
  split
  · exact (Sure.rounds hs 3 h).conclude
  · exact h

end Omega.Quorum
