module

public import Omega.Spec.QuorumSafety
public import Omega.Proof.QuorumFrame

/-! Lemmas: a member that is not ready sends no prepare and no commit, and only a peer's own reply
counts as its answer. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {t u : Turn}

/-- Between two turns nothing has happened to whether the member may sign. -/
structure Stays (t u : Turn) : Prop where
  started : u.state.started = t.state.started
  answered : u.state.answered = t.state.answered
  halted : u.state.halted = t.state.halted

namespace Stays

theorem refl (t : Turn) : Stays t t := ⟨rfl, rfl, rfl⟩

theorem trans {t u v : Turn} (a : Stays t u) (b : Stays u v) : Stays t v :=
  ⟨b.started.trans a.started, b.answered.trans a.answered, b.halted.trans a.halted⟩

theorem ready (h : Stays t u) : u.state.ready = t.state.ready := by
  unfold State.ready
  rw [h.started, h.answered, h.halted]

theorem sendPrepare (t : Turn) : Stays t (sendPrepare config t) := by
  unfold Quorum.sendPrepare
  split
  · exact refl t
  · exact ⟨rfl, rfl, rfl⟩

theorem sendCommit (t : Turn) : Stays t (sendCommit config t) := by
  unfold Quorum.sendCommit
  split
  · exact refl t
  · exact ⟨rfl, rfl, rfl⟩

theorem resend (t : Turn) : Stays t (resend config t) :=
  (sendPrepare t).trans (sendCommit _)

theorem prepareFor (d : Digest) (t : Turn) : Stays t (prepareFor config d t) := by
  unfold Quorum.prepareFor
  dsimp only
  refine Stays.trans ?_ (sendPrepare _)
  exact ⟨rfl, rfl, rfl⟩

theorem prepare (h : prepare config t = some u) : Stays t u := by
  unfold Quorum.prepare at h
  split at h
  · cases h; exact refl t
  · split at h
    · cases h
    · split at h
      · cases h; exact prepareFor _ _
      · cases h

theorem advance (t : Turn) : Stays t (advance config t) := ⟨rfl, rfl, rfl⟩

theorem raise (d : Digest) (t : Turn) : Stays t (raise config d t) := by
  unfold Quorum.raise
  dsimp only
  split
  · exact refl t
  · split <;> exact ⟨rfl, rfl, rfl⟩

theorem makeCommit (t : Turn) : Stays t (makeCommit config t) := by
  unfold Quorum.makeCommit
  split
  · exact refl t
  · split
    · exact refl t
    · exact ⟨rfl, rfl, rfl⟩

theorem lock (d : Digest) (t : Turn) : Stays t (lock config d t) := by
  unfold Quorum.lock
  dsimp only
  split
  · exact raise d t
  · refine (raise (config := config) d t).trans (Stays.trans ?_ (sendCommit _))
    refine Stays.trans ?_ (makeCommit _)
    exact ⟨rfl, rfl, rfl⟩

theorem rounds : ∀ (fuel : Nat) (t : Turn), Stays t (rounds config fuel t)
  | 0, t => refl t
  | fuel + 1, t => by
    unfold Quorum.rounds
    split
    · exact refl t
    · rename_i u hu
      have h := prepare hu
      split
      · exact h
      · split
        · exact h
        · split
          · exact h.trans (lock _ _)
          · exact h.trans ((advance u).trans (rounds fuel _))

theorem enter (chain : Chain) (h : t.state.ready = true) : Stays t (enter config chain t) := by
  unfold Quorum.enter
  dsimp only
  rw [if_pos h]
  exact ⟨rfl, rfl, rfl⟩

theorem conclude (h : t.state.ready = true) : Stays t (conclude config t) := by
  unfold Quorum.conclude
  split
  · exact refl t
  · split
    · exact refl t
    · split
      · rename_i content _ _ _ votes next _ _
        refine Stays.trans
          (u := (t.put (.append ⟨content, votes⟩)).put (.announce ⟨content, votes⟩))
          ⟨rfl, rfl, rfl⟩ ?_
        exact enter _ h
      · exact refl t

theorem progress (t : Turn) : Stays t (progress config t) := by
  unfold Quorum.progress
  split
  · rename_i h
    have hr := rounds (config := config) 3 t
    exact hr.trans (conclude (hr.ready.trans h))
  · exact refl t

end Stays

/-! ## Silence -/

/-- No prepare or commit is among the effects. -/
def Silent (t : Turn) : Prop := ∀ e, e ∈ t.effects → signs e = false

/-- The member has started, and all have answered. -/
def Full (s : State) : Prop := s.started = true ∧ s.answered.all id = true

/-- Either nothing signed leaves, or all have answered; and who has answered stays, or is asked
again. -/
def Fair (config : Config) (t u : Turn) : Prop :=
  (Silent u ∨ Full u.state) ∧
    (u.state.answered = t.state.answered ∨ u.state.answered = onlySelf config)

theorem signs_quiet {e : Effect} (h : quietEffect e = true) : signs e = false := by
  cases e with
  | send r w =>
    cases w with
    | prepare m => cases h
    | commit m => cases h
    | _ => rfl
  | _ => rfl

theorem Silent.put (h : Silent t) {e : Effect} (he : signs e = false) : Silent (t.put e) := by
  intro x hx
  cases List.mem_append.mp hx with
  | inl hx => exact h x hx
  | inr hx =>
    cases List.mem_singleton.mp hx
    exact he

theorem Silent.quiet (h : Silent t) (q : Quiet config t u) : Silent u := by
  obtain ⟨es, he, hq⟩ := q.effects
  intro x hx
  rw [he] at hx
  cases List.mem_append.mp hx with
  | inl hx => exact h x hx
  | inr hx => exact signs_quiet (hq x hx)

theorem full_of_ready (h : t.state.ready = true) : Full t.state := by
  unfold State.ready at h
  simp only [Bool.and_eq_true] at h
  exact ⟨h.1.1, h.2⟩

theorem Stays.full (h : Stays t u) (hr : t.state.ready = true) : Full u.state :=
  full_of_ready (h.ready.trans hr)

theorem Fair.stays (h : Stays t u) (hr : t.state.ready = true) : Fair config t u :=
  ⟨.inr (h.full hr), .inl h.answered⟩

theorem Fair.quiet (h : Silent t) (q : Quiet config t u) : Fair config t u :=
  ⟨.inl (h.quiet q), .inl q.answered⟩

theorem Fair.progress (h : Silent t) : Fair config t (progress config t) := by
  by_cases hr : t.state.ready = true
  · exact Fair.stays (Stays.progress t) hr
  · have : Quorum.progress config t = t := by
      unfold Quorum.progress
      rw [if_neg hr]
    rw [this]
    exact ⟨.inl h, .inl rfl⟩

theorem Fair.trans {v : Turn} (h : u.state.answered = t.state.answered) (f : Fair config u v) :
    Fair config t v := by
  refine ⟨f.1, ?_⟩
  rw [← h]
  exact f.2

theorem learn_silent {p : Option Proof} {r : Turn × Bool} (h : Silent t)
    (hr : learn config p t = .ok r) : Silent r.1 ∧ r.1.state.answered = t.state.answered := by
  unfold learn at hr
  split at hr
  · cases hr; exact ⟨h, rfl⟩
  · split at hr
    · cases hr; exact ⟨h, rfl⟩
    · split at hr
      · cases hr
      · split at hr
        · rename_i p _ _ _
          cases hr
          have q := Quiet.disowned (config := config) (part p config.self) t
          exact ⟨h.quiet q, q.answered⟩
        · rename_i p _ _ _
          cases hr
          have hp : Silent (persist config
              { t with state := prune config { t.state with proof := some p } }) :=
            Silent.put
              (t := { t with state := prune config { t.state with proof := some p } }) h rfl
          have q := Quiet.holdParts (config := config) p (persist config
              { t with state := prune config { t.state with proof := some p } })
          exact ⟨hp.quiet q, q.answered⟩

theorem enter_silent (chain : Chain) (h : Silent t) :
    Silent (enter config chain t) ∧
      ((enter config chain t).state.answered = t.state.answered ∨
        (enter config chain t).state.answered = onlySelf config) := by
  unfold enter
  dsimp only
  split
  · exact ⟨h, .inl rfl⟩
  · exact ⟨Silent.put (t := { t with state :=
      { fresh config t.state chain with answered := onlySelf config } }) h rfl, .inr rfl⟩

end Omega.Quorum
