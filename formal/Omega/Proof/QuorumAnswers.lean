module

public import Omega.Proof.QuorumReady

/-! Lemmas: which messages let a member sign, and what counts as a peer's answer. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {t u : Turn}

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
