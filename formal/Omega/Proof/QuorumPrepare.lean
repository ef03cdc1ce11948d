module

public import Omega.Proof.QuorumOnce

/-! Lemmas: proofs, prepares and locks leave a member's state and its disk in agreement. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t : Turn}

/-! ## Proofs, prepares, locks -/

/-- A proof that is not contradicted by what the member has prepared. -/
theorem not_contradicts {s : State} {p : SignedPrepare} (h : contradicts config s p = false) :
    ∃ own, mine config s = some own ∧ p.attempt ≤ own.attempt ∧
      (p.attempt = own.attempt → p.digest = own.digest) := by
  unfold contradicts at h
  split at h
  · cases h
  · rename_i own hown
    simp only [Bool.or_eq_false_iff, decide_eq_false_iff_not, Bool.and_eq_false_iff] at h
    refine ⟨own, hown, by omega, fun he => ?_⟩
    cases h.1.2 with
    | inl hc => simp [he] at hc
    | inr hc => simpa using hc

theorem Steady.withProof (h : Steady config origin g t) {q : Proof}
    (hq : ∃ p, mine config t.state = some p ∧ q.attempt ≤ p.attempt ∧
      (q.attempt = p.attempt → q.digest = p.digest)) :
    Steady config origin g { t with state := { t.state with proof := some q } } := by
  have w := h.whole
  refine ⟨⟨h.traced, h.chain, ⟨w.started, w.lenP, w.lenC, w.follows, w.present, w.absent, w.content,
    w.lockContent, ?_, w.commit⟩⟩, ⟨h.synced.mine, h.synced.lock, h.synced.content⟩⟩
  intro r hr
  cases hr
  exact hq

theorem Steady.learn {p : Option Proof} {r : Turn × Bool} (h : Steady config origin g t)
    (hr : learn config p t = .ok r) : Steady config origin g r.1 := by
  unfold Quorum.learn at hr
  split at hr
  · cases hr; exact h
  · split at hr
    · cases hr; exact h
    · split at hr
      · cases hr
      · split at hr
        · cases hr; exact h.quiet (Quiet.disowned _ _)
        · rename_i hc
          cases hr
          have hc := not_contradicts (Bool.eq_false_iff.mpr hc)
          exact (h.withProof hc).unsaved.prune.persist.quiet (Quiet.holdParts _ _)

theorem Whole.setHeld {s : State} (h : Whole config s) {p : SignedPrepare}
    (hnone : (s.held config.self).current = none) (hp : p.attempt = s.attempt)
    (hc : ∃ c, find config s.candidates p.digest = some c) :
    Whole config { s with prepares := s.prepares.set config.self ⟨some p, some p⟩ } := by
  have hheld : State.held { s with prepares := s.prepares.set config.self ⟨some p, some p⟩ }
      config.self = ⟨some p, some p⟩ :=
    getD_set_self _ _ _ _ (by rw [h.lenP]; exact config.self.isLt)
  have hmine : mine config { s with prepares := s.prepares.set config.self ⟨some p, some p⟩ }
      = some p := by
    unfold mine
    rw [hheld]
  refine ⟨h.started, ?_, h.lenC, h.follows, ?_, ?_, ?_, h.lockContent, ?_, h.commit⟩
  · rw [List.length_set]
    exact h.lenP
  · intro q hq
    rw [hheld] at hq
    cases hq
    exact ⟨hmine, hp⟩
  · intro hn
    rw [hheld] at hn
    cases hn
  · intro q hq
    rw [hmine] at hq
    cases hq
    exact hc
  · intro q hq
    obtain ⟨r, hr, hle, _⟩ := h.proof q hq
    have := h.absent hnone r hr
    exact ⟨p, hmine, by omega, by omega⟩

theorem Steady.prepareFor (h : Steady config origin g t) {digest : Digest}
    (hnone : (t.state.held config.self).current = none)
    (hc : (find config t.state.candidates digest).isSome = true) :
    Steady config origin g (prepareFor config digest t) := by
  unfold Quorum.prepareFor
  refine Steady.sendPrepare (Unsaved.persist (Unsaved.prune ?_))
  refine ⟨⟨h.traced, h.chain, ?_⟩, ?_⟩
  · exact h.whole.setHeld hnone rfl (Option.isSome_iff_exists.mp hc)
  · have a := h.synced.ahead h.whole
    refine ⟨?_, a.lock, a.content⟩
    intro e q he hq
    obtain ⟨p, hp, hpq⟩ := a.mine e q he hq
    have hlt := h.whole.absent hnone p hp
    have hheld := getD_set_self t.state.prepares config.self
      (Held.mk
        (some ⟨t.state.attempt, digest,
          config.sign (.prepare config.chain t.state.height t.state.attempt digest)⟩)
        (some ⟨t.state.attempt, digest,
          config.sign (.prepare config.chain t.state.height t.state.attempt digest)⟩)) {}
      (by rw [h.whole.lenP]; exact config.self.isLt)
    refine ⟨_, congrArg Held.newest hheld, .inr ?_⟩
    show q.attempt < t.state.attempt
    cases hpq with
    | inl hpq => subst hpq; exact hlt
    | inr hpq => omega

theorem prepareFor_prepared (h : t.state.prepares.length = config.members) (digest : Digest) :
    prepared config (prepareFor config digest t).state = true := by
  unfold prepareFor
  rw [sendPrepare_state]
  unfold prepared
  have hheld := fun x => getD_set_self t.state.prepares config.self x ({} : Held)
      (by rw [h]; exact config.self.isLt)
  exact congrArg (fun x : Held => x.current.isSome) (hheld _)

theorem Steady.prepare {u : Turn} (h : Steady config origin g t) (hu : prepare config t = some u) :
    Steady config origin g u ∧ prepared config u.state = true := by
  unfold Quorum.prepare at hu
  split at hu
  · rename_i hp
    cases hu
    exact ⟨h, hp⟩
  · rename_i hp
    split at hu
    · cases hu
    · split at hu
      · rename_i hc
        cases hu
        have hn : (t.state.held config.self).current = none := by
          unfold prepared at hp
          simpa using hp
        exact ⟨h.prepareFor hn hc, prepareFor_prepared h.whole.lenP _⟩
      · cases hu

theorem held_map (f : Held → Held) (hf : f {} = {}) (l : List Held) (i : Nat) :
    (l.map f).getD i {} = f (l.getD i {}) := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_map]
  cases l[i]? with
  | none => exact hf.symm
  | some x => rfl

theorem Steady.advance (h : Steady config origin g t) :
    Steady config origin g (advance config t) := by
  have w := h.whole
  have hheld : ∀ (i : Nat), State.held { t.state with
      attempt := t.state.attempt + 1, own := none
      prepares := t.state.prepares.map fun held =>
        { held with current := held.newest.filter (·.attempt == t.state.attempt + 1) } } i
      = { t.state.held i with
          current := (t.state.held i).newest.filter (·.attempt == t.state.attempt + 1) } :=
    fun i => held_map _ rfl _ i
  have hmine : mine config { t.state with
      attempt := t.state.attempt + 1, own := none
      prepares := t.state.prepares.map fun held =>
        { held with current := held.newest.filter (·.attempt == t.state.attempt + 1) } }
      = mine config t.state := by
    unfold mine
    rw [hheld]
  have hle : ∀ p, mine config t.state = some p → p.attempt ≤ t.state.attempt := by
    intro p hp
    cases hc : (t.state.held config.self).current with
    | none => exact Nat.le_of_lt (w.absent hc p hp)
    | some q =>
      have := w.present q hc
      rw [hp] at this
      cases this.1
      exact Nat.le_of_eq this.2
  refine Steady.prune (t := ⟨{ t.state with
      attempt := t.state.attempt + 1, own := none
      prepares := t.state.prepares.map fun held =>
        { held with current := held.newest.filter (·.attempt == t.state.attempt + 1) } },
      t.effects⟩) ⟨⟨h.traced, h.chain, ?_⟩, ?_⟩
  · refine ⟨w.started, ?_, w.lenC, w.follows, ?_, ?_, ?_, w.lockContent, ?_, w.commit⟩
    · show List.length (List.map _ _) = _
      rw [List.length_map]
      exact w.lenP
    · rw [hheld, hmine]
      intro p hp
      simp only [Option.filter_eq_some_iff, beq_iff_eq] at hp
      exact hp
    · rw [hheld, hmine]
      intro _ p hp
      exact Nat.lt_succ_of_le (hle p hp)
    · rw [hmine]; exact w.content
    · rw [hmine]; exact w.proof
  · refine ⟨?_, h.synced.lock, h.synced.content⟩
    rw [hmine]
    exact h.synced.mine

theorem Steady.raise (h : Steady config origin g t) {p : SignedPrepare}
    (hp : (t.state.held config.self).current = some p) :
    Steady config origin g (raise config p.digest t) ∧
      (raise config p.digest t).state.held = t.state.held ∧
      (raise config p.digest t).state.attempt = t.state.attempt ∧
      ∃ q, (raise config p.digest t).state.proof = some q ∧ t.state.attempt ≤ q.attempt := by
  unfold Quorum.raise
  dsimp only
  split
  · rename_i hc
    refine ⟨h, rfl, rfl, ?_⟩
    cases hq : t.state.proof with
    | none => rw [hq] at hc; cases hc
    | some q =>
      rw [hq] at hc
      exact ⟨q, rfl, by simpa using hc⟩
  · have hm := h.whole.present p hp
    have h1 := h.withProof (q := gather t.state p.digest)
      ⟨p, hm.1, Nat.le_of_eq hm.2.symm, fun _ => rfl⟩
    split
    · exact ⟨h1.unsaved.persist, rfl, rfl, _, rfl, Nat.le_refl _⟩
    · exact ⟨h1, rfl, rfl, _, rfl, Nat.le_refl _⟩

theorem Steady.makeCommit (h : Steady config origin g t) :
    Steady config origin g (makeCommit config t) := by
  unfold Quorum.makeCommit
  split
  · exact h
  · rename_i l hl
    split
    · exact h
    · rename_i c hc
      have w := h.whole
      refine ⟨⟨h.traced, h.chain, ⟨w.started, w.lenP, ?_, w.follows, w.present, w.absent, w.content,
        w.lockContent, w.proof, ?_⟩⟩, ⟨h.synced.mine, h.synced.lock, h.synced.content⟩⟩
      · show List.length (List.set _ _ _) = _
        rw [List.length_set]
        exact w.lenC
      · intro k hk
        have hset := getD_set_self t.state.commits config.self
          (some (SignedCommit.mk c.envelope (config.sign (.vote config.chain l.digest)))) none
          (by rw [w.lenC]; exact config.self.isLt)
        have : some _ = some k := hset.symm.trans hk
        cases this
        exact ⟨l, c, hl, hc, rfl⟩

theorem Steady.lock (h : Steady config origin g t) {p : SignedPrepare}
    (hp : (t.state.held config.self).current = some p) :
    Steady config origin g (lock config p.digest t) := by
  obtain ⟨h1, hheld, hatt, q, hq, hle⟩ := h.raise hp
  unfold Quorum.lock
  dsimp only
  split
  · exact h1
  · rename_i hl
    have hnone : (Quorum.raise config p.digest t).state.lock = none := by simpa using hl
    rw [← hheld] at hp
    have w := h1.whole
    refine Steady.sendCommit (Steady.makeCommit (Unsaved.persist ⟨⟨h1.traced, h1.chain, ?_⟩, ?_⟩))
    · refine ⟨w.started, w.lenP, w.lenC, w.follows, w.present, w.absent, w.content, ?_, w.proof, ?_⟩
      · intro l hl
        have hl : (Quorum.raise config p.digest t).state.proof = some l := hl
        rw [hq] at hl
        cases hl
        obtain ⟨r, hr, hqr, hdig⟩ := w.proof q hq
        obtain ⟨hm, ha⟩ := w.present p hp
        rw [hm] at hr
        cases hr
        obtain ⟨c, hc⟩ := w.content p hm
        exact ⟨c, by rw [hdig (by omega)]; exact hc⟩
      · intro k hk
        obtain ⟨l, _, hl, _⟩ := w.commit k hk
        rw [hnone] at hl
        cases hl
    · have a := h1.synced.ahead w
      refine ⟨a.mine, ?_, a.content⟩
      intro e l he hl
      have := a.lock e l he hl
      rw [hnone] at this
      cases this

theorem Steady.rounds : ∀ (fuel : Nat) {t : Turn}, Steady config origin g t →
    Steady config origin g (rounds config fuel t)
  | 0, _, h => h
  | fuel + 1, t, h => by
    unfold Quorum.rounds
    split
    · exact h
    · rename_i u hu
      obtain ⟨h1, hp⟩ := h.prepare hu
      split
      · exact h1
      · rename_i own hown
        split
        · exact h1
        · split
          · obtain ⟨p, hp⟩ := Option.isSome_iff_exists.mp hp
            have hm := (h1.whole.present p hp).1
            rw [hown] at hm
            cases hm
            exact h1.lock hp
          · exact Steady.rounds fuel h1.advance

end Omega.Quorum
