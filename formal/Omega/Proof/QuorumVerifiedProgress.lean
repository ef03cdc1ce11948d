module

public import Omega.Proof.QuorumVerified

/-! Lemmas: what a member does by itself leaves all that it holds verified. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {t u : Turn}

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
