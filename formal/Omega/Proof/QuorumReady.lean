module

public import Omega.Proof.QuorumFrame
public import Omega.Spec.QuorumSafety

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
        refine Stays.trans (u := (t.put (.append ⟨content, votes⟩)).put (.announce ⟨content, votes⟩))
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
            Silent.put (t := { t with state := prune config { t.state with proof := some p } }) h rfl
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

/-! ## Messages -/

theorem Fair.onPrepare {m : Prepare} (h : Silent t) (hu : onPrepare config m t = .ok u) :
    Fair config t u := by
  unfold Quorum.onPrepare at hu
  dsimp only at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · split at hu
        · cases hu; exact Fair.quiet h (Quiet.halt _ _ _)
        · cases hu; exact Fair.quiet h (Quiet.elsewhere _ _ _)
      · split at hu
        · cases hu
        · rename_i r news hr
          have h1 := learn_silent h hr
          split at hu
          · cases hu; exact ⟨.inl h1.1, .inl h1.2⟩
          · split at hu
            · cases hu
            · cases hu
              have q := Quiet.holdPrepare (config := config) m.sender m.signed r
              exact Fair.trans (q.answered.trans h1.2) (Fair.progress (h1.1.quiet q))

theorem Fair.onCommit {m : Commit} (h : Silent t) (hu : onCommit config m t = .ok u) :
    Fair config t u := by
  unfold Quorum.onCommit at hu
  dsimp only at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · split at hu
        · cases hu; exact Fair.quiet h (Quiet.halt _ _ _)
        · cases hu; exact Fair.quiet h (Quiet.elsewhere _ _ _)
      · split at hu
        · cases hu
        · rename_i r news hr
          have h1 := learn_silent h hr
          split at hu
          · cases hu; exact ⟨.inl h1.1, .inl h1.2⟩
          · cases hu
            have q := Quiet.holdCommit (config := config) m.sender m.signed r
            exact Fair.trans (q.answered.trans h1.2) (Fair.progress (h1.1.quiet q))

theorem Fair.onDecided {c : Certificate} (h : Silent t) (hu : onDecided config c t = .ok u) :
    Fair config t u := by
  unfold Quorum.onDecided at hu
  dsimp only at hu
  split at hu
  · exact Fair.quiet h (Quiet.comparePast hu)
  · split at hu
    · split at hu
      · cases hu; exact Fair.quiet h ((Quiet.put t rfl).trans (Quiet.resync _ _))
      · cases hu
    · unfold adopt at hu
      split at hu
      · cases hu
      · split at hu
        · cases hu
        · dsimp only at hu
          have q := Quiet.disownedCommit (config := config)
            ⟨c.content.envelope, c.signatures.getD config.self 0⟩ t
          split at hu
          · cases hu; exact Fair.quiet h q
          · rename_i next _ _ _
            cases hu
            have h1 := enter_silent (config := config) next
              (Silent.put (e := .append c) (h.quiet q) rfl)
            refine ⟨.inl h1.1, ?_⟩
            rw [← q.answered]
            exact h1.2

theorem Fair.onCandidate {a : Nat} {c : Content} (h : Silent t)
    (hu : onCandidate config a c t = .ok u) : Fair config t u := by
  unfold Quorum.onCandidate at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · cases hu
      · split at hu
        · cases hu
        · cases hu
          exact Fair.trans (u := { t with state := withCandidate config c t.state }) rfl
            (Fair.progress h)

theorem Fair.onTick (h : Silent t) : Fair config t (onTick config t) := by
  unfold Quorum.onTick
  split
  · exact Fair.quiet h (Quiet.askSilent _)
  · rename_i hr
    have hr : t.state.ready = true := by simpa using hr
    split
    · exact Fair.stays ((Stays.advance t).trans (Stays.progress _)) hr
    · exact Fair.stays (Stays.resend t) hr

theorem Fair.onTimeout (hu : onTimeout config t = .ok u) : Fair config t u := by
  unfold Quorum.onTimeout at hu
  split at hu
  · cases hu
  · rename_i hr
    have hr : t.state.ready = true := by simpa using hr
    split at hu
    · cases hu
    · cases hu
      exact Fair.stays ((Stays.advance t).trans (Stays.progress _)) hr

theorem Stays.becomeReady (t : Turn) : Stays t (becomeReady config t) :=
  (Stays.makeCommit t).trans ((Stays.resend _).trans (Stays.progress _))

theorem load_silent {d : Durable} (h : Silent t) (hu : load config d t = .ok u) :
    Silent u ∧ u.state.answered = t.state.answered := by
  unfold load at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · cases hu; exact ⟨h, rfl⟩
      · unfold loadHeight at hu
        dsimp only at hu
        split at hu
        · have hparts : ∀ (p : Option Proof) (v : Turn), Silent v →
              Silent ((p.map fun p => holdParts config p v).getD v) ∧
              ((p.map fun p => holdParts config p v).getD v).state.answered = v.state.answered := by
            intro p v hv
            cases p with
            | none => exact ⟨hv, rfl⟩
            | some p =>
              have q := Quiet.holdParts (config := config) p v
              exact ⟨hv.quiet q, q.answered⟩
          have h0 : (loaded config d t.state).answered = t.state.answered := by
            unfold loaded
            dsimp only
            split <;> rfl
          have h1 := hparts d.lock { t with state := loaded config d t.state } h
          have h2 := hparts d.proof _ h1.1
          cases hu
          exact ⟨h2.1, (h2.2.trans h1.2).trans h0⟩
        · cases hu

theorem Fair.onStart {d : Option Durable} {n : Nonce} (h : Silent t)
    (hu : onStart config d n t = .ok u) : Fair config t u := by
  have hend : ∀ (v : Turn), Silent v → v.state.answered = onlySelf config →
      (if v.state.ready then Except.ok (ε := Refusal) (becomeReady config v)
        else .ok (resync config none v)) = .ok u → Fair config t u := by
    intro v hv ha he
    split at he
    · rename_i hr
      cases he
      have hs := Stays.becomeReady (config := config) v
      exact ⟨.inr (hs.full hr), .inr (hs.answered.trans ha)⟩
    · cases he
      exact ⟨.inl (hv.put rfl), .inr ha⟩
  unfold Quorum.onStart at hu
  dsimp only at hu
  cases d with
  | none => exact hend { t with state := { t.state with
      started := true, nonce := n, answered := onlySelf config } } h rfl hu
  | some d =>
    simp only [Option.map_some, Option.getD_some] at hu
    split at hu
    · cases hu
    · rename_i v hv
      have h1 := load_silent (t := { t with state := { t.state with
        started := true, nonce := n, answered := onlySelf config } }) h hv
      exact hend v h1.1 h1.2 hu

theorem reply_silent {m : Reply} (h : Silent t) (hu : onReply config m t = .ok u) :
    (Silent u ∨ Full u.state) ∧
      (u.state.answered = t.state.answered ∨
        (u.state.answered = t.state.answered.set m.sender true ∧
          checkReply config m t.state = none)) := by
  unfold onReply at hu
  split at hu
  · cases hu
  · rename_i hc
    dsimp only at hu
    have q := Quiet.compareReply (config := config) m t
    split at hu
    · cases hu
      exact ⟨.inl (h.quiet q), .inl q.answered⟩
    · split at hu
      · rename_i hr
        cases hu
        have hs := Stays.becomeReady (config := config) { compareReply config m t with
          state := { (compareReply config m t).state with
            answered := (compareReply config m t).state.answered.set m.sender true } }
        refine ⟨.inr (hs.full hr), .inr ⟨?_, hc⟩⟩
        rw [hs.answered, ← q.answered]
      · cases hu
        have h1 : Silent (compareReply config m t) := h.quiet q
        refine ⟨.inl h1, .inr ⟨?_, hc⟩⟩
        rw [← q.answered]

theorem checkReply_none {m : Reply} {s : State} (h : checkReply config m s = none) :
    m.chain = config.chain ∧ m.receiver = config.self ∧ m.nonce = s.nonce ∧ m.height = s.height ∧
      config.verify m.sender
        (.reply m.chain m.sender m.receiver m.height m.nonce m.prepare m.commit) m.signature
        = true := by
  unfold checkReply at h
  split at h
  · cases h
  · rename_i hs
    have hchain : m.chain = config.chain := by
      unfold sender at hs
      split at hs
      · cases hs
      · rename_i hn
        exact Decidable.not_not.mp hn
    split at h
    · cases h
    · rename_i h1
      split at h
      · cases h
      · rename_i h2
        split at h
        · cases h
        · rename_i h3
          split at h
          · cases h
          · rename_i h4
            exact ⟨hchain, Decidable.not_not.mp h1, Decidable.not_not.mp h3,
              Decidable.not_not.mp h4, by simpa using h2⟩

/-- What a message does to who has answered, and to what leaves. -/
theorem apply_fair {m : Message} (h : Silent t) (hu : apply config m t = .ok u) :
    Fair config t u ∨
      ∃ r, m = .wire (.reply r) ∧ (Silent u ∨ Full u.state) ∧
        u.state.answered = t.state.answered.set r.sender true ∧
        checkReply config r t.state = none := by
  cases m with
  | start d n => exact .inl (Fair.onStart h hu)
  | candidate a c => exact .inl (Fair.onCandidate h hu)
  | tick => cases hu; exact .inl (Fair.onTick h)
  | timeout => exact .inl (Fair.onTimeout hu)
  | wire w =>
    cases w with
    | prepare m => exact .inl (Fair.onPrepare h hu)
    | commit m => exact .inl (Fair.onCommit h hu)
    | decided c => exact .inl (Fair.onDecided h hu)
    | resync m => exact .inl (Fair.quiet h (Quiet.onResync hu))
    | reply m =>
      have hr := reply_silent h hu
      cases hr.2 with
      | inl ha => exact .inl ⟨hr.1, .inl ha⟩
      | inr ha => exact .inr ⟨m, rfl, hr.1, ha.1, ha.2⟩

/-- A step is a refusal or a turn. -/
theorem step_turn (config : Config) (s : State) (m : Message) :
    (∃ r, step config s m = ⟨s, [], some r⟩) ∨
      ∃ t, apply config m ⟨s, []⟩ = .ok t ∧
        step config s m = ⟨(askContent config s m t).state, (askContent config s m t).effects, none⟩
    := by
  unfold step
  split
  · exact .inl ⟨_, rfl⟩
  · split
    · exact .inl ⟨_, rfl⟩
    · rename_i t ht
      exact .inr ⟨t, ht, rfl⟩

end Omega.Quorum
