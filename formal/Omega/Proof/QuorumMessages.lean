module

public import Omega.Proof.QuorumVerified

/-!
# The quorum: what messages do

Every message and every start leaves all that a member holds verified. Which messages let a member
sign, and what counts as a peer's answer.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {t u : Turn}

/-! ## What is held stays verified -/

/-! ### Messages -/

theorem sender_member {chain : Digest} {i : Member} (h : sender config chain i = none) :
    i < config.members := by
  unfold sender at h
  split at h
  · cases h
  · split at h
    · cases h
    · rename_i hn
      exact Nat.lt_of_not_le hn

theorem Sure.onPrepare (hs : Signs config) {m : Prepare} (h : Sure config t)
    (hu : onPrepare config m t = .ok u) : Sure config u := by
  unfold Quorum.onPrepare at hu
  dsimp only at hu
  split at hu
  · cases hu
  · rename_i hm
    split at hu
    · cases hu
    · rename_i hv
      have hv : verifyPrepare config m.height m.sender m.signed = true := by simpa using hv
      split at hu
      · split at hu
        · cases hu; exact h.halt _ _
        · cases hu; exact h.elsewhere _ _
      · rename_i hh
        have hh : m.height = t.state.height := Decidable.not_not.mp hh
        split at hu
        · cases hu
        · rename_i r news hr
          have h1 := h.learn hr
          split at hu
          · cases hu; exact h1.1
          · split at hu
            · cases hu
            · cases hu
              refine Sure.progress hs (h1.1.holdPrepare (sender_member hm) ?_)
              rw [h1.2, ← hh]
              exact hv

theorem Sure.onCommit (hs : Signs config) {m : Commit} (h : Sure config t)
    (hu : onCommit config m t = .ok u) : Sure config u := by
  unfold Quorum.onCommit at hu
  dsimp only at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · rename_i hv
      have hv : verifyVote config m.sender m.signed = true := by simpa using hv
      split at hu
      · split at hu
        · cases hu; exact h.halt _ _
        · cases hu; exact h.elsewhere _ _
      · split at hu
        · cases hu
        · rename_i r news hr
          have h1 := h.learn hr
          split at hu
          · cases hu; exact h1.1
          · cases hu
            exact Sure.progress hs (h1.1.holdCommit hv)

theorem Sure.comparePast {c : Certificate} (h : Sure config t)
    (hu : comparePast config c t = .ok u) : Sure config u := by
  unfold Quorum.comparePast at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu; exact h
    · split at hu
      · cases hu
      · cases hu; exact h.halt _ _

theorem Sure.onDecided {c : Certificate} (h : Sure config t)
    (hu : onDecided config c t = .ok u) : Sure config u := by
  unfold Quorum.onDecided at hu
  dsimp only at hu
  split at hu
  · exact h.comparePast hu
  · split at hu
    · split at hu
      · cases hu; exact (h.put (fun _ he => by cases he)).resync _
      · cases hu
    · unfold adopt at hu
      split at hu
      · cases hu
      · split at hu
        · cases hu
        · rename_i hv
          have hv : votesVerify config c = true := by simpa using hv
          dsimp only at hu
          split at hu
          · cases hu; exact h.disownedCommit _
          · cases hu; exact ((h.disownedCommit _).append hv).enter _

theorem Sure.onResync {m : Resync} (h : Sure config t) (hu : onResync config m t = .ok u) :
    Sure config u := by
  unfold Quorum.onResync at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · cases hu; exact h
      · split at hu
        · cases hu; exact h.elsewhere _ _
        · cases hu; exact h.put (fun _ he => by cases he)

theorem Sure.compareReply (h : Sure config t) (m : Reply) :
    Sure config (Quorum.compareReply config m t) := by
  unfold Quorum.compareReply
  split
  · split
    · exact h.disowned _
    · exact h.disownedCommit _
  · exact h.disowned _
  · exact h.disownedCommit _
  · exact h

theorem Sure.becomeReady (hs : Signs config) (h : Sure config t) :
    Sure config (becomeReady config t) :=
  Sure.progress hs (Sure.sendCommit (Sure.sendPrepare (Sure.makeCommit hs h)))

theorem Sure.onReply (hs : Signs config) {m : Reply} (h : Sure config t)
    (hu : onReply config m t = .ok u) : Sure config u := by
  unfold Quorum.onReply at hu
  split at hu
  · cases hu
  · dsimp only at hu
    have h1 := h.compareReply m
    have h2 : Sure config { Quorum.compareReply config m t with
        state := { (Quorum.compareReply config m t).state with
          answered := (Quorum.compareReply config m t).state.answered.set m.sender true } } :=
      h1.withState (h1.state.same rfl rfl rfl rfl rfl rfl)
    split at hu
    · cases hu; exact h1
    · split at hu
      · cases hu; exact h2.becomeReady hs
      · cases hu; exact h2

theorem Sure.onCandidate (hs : Signs config) {a : Nat} {c : Content} (h : Sure config t)
    (hu : onCandidate config a c t = .ok u) : Sure config u := by
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
          exact Sure.progress hs (h.withState (h.state.same rfl rfl rfl rfl rfl rfl))

theorem Sure.onTick (hs : Signs config) (h : Sure config t) : Sure config (onTick config t) := by
  unfold Quorum.onTick
  split
  · exact h.askSilent
  · split
    · exact Sure.progress hs h.advance
    · exact h.sendPrepare.sendCommit

theorem Sure.onTimeout (hs : Signs config) (h : Sure config t)
    (hu : onTimeout config t = .ok u) : Sure config u := by
  unfold Quorum.onTimeout at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · cases hu; exact Sure.progress hs h.advance

/-! ### The start -/

theorem Verified.loaded {d : Durable} {s : State} {chain : Chain}
    (h : diskHolds config d (loaded config d (Quorum.fresh config s chain)) = true) :
    Verified config (loaded config d (Quorum.fresh config s chain)) := by
  have v := Verified.fresh (config := config) s chain
  have hheld : ∀ i, (Quorum.fresh config s chain).held i = {} := by
    intro i
    show (List.replicate config.members ({} : Held)).getD i {} = {}
    simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate]
    split <;> rfl
  simp only [diskHolds, Bool.and_eq_true] at h
  obtain ⟨⟨⟨_, hprep⟩, hlk⟩, hpf⟩ := h
  unfold Quorum.loaded at hprep hlk hpf ⊢
  dsimp only at hprep hlk hpf ⊢
  cases hp : d.prepare with
  | none =>
    rw [hp] at hlk hpf
    refine ⟨v.lenP, v.lenC, v.held, v.commits, ?_, ?_⟩
    · intro q hq
      have hq : d.proof = some q := hq
      rw [hq] at hpf
      simp only [Option.all_some, proofFits, Bool.and_eq_true] at hpf
      exact hpf.1
    · intro q hq
      have hq : d.lock = some q := hq
      rw [hq] at hlk
      simp only [Option.all_some, proofFits, Bool.and_eq_true] at hlk
      exact hlk.1.1
  | some p =>
    rw [hp] at hlk hpf hprep
    simp only [Option.all_some, Bool.and_eq_true] at hprep
    refine ⟨?_, v.lenC, ?_, v.commits, ?_, ?_⟩
    · show (List.set _ _ _).length = _
      rw [List.length_set]
      exact v.lenP
    · intro i _
      have hor := getD_set_or (Quorum.fresh config s chain).prepares config.self i
        (Held.mk (some p) (some p)) {}
      have hx : HeldFine config chain.height p.attempt i
          (((Quorum.fresh config s chain).prepares.set config.self
            (Held.mk (some p) (some p))).getD i {}) := by
        cases hor with
        | inl ho =>
          rw [ho.2, ← ho.1]
          refine ⟨?_, ?_⟩
          · intro q hq; cases hq; exact hprep.1
          · intro q hq; cases hq; exact ⟨hprep.1, rfl⟩
        | inr ho =>
          have hi : ((Quorum.fresh config s chain).prepares.getD i {} : Held) = {} := hheld i
          rw [ho, hi]
          refine ⟨?_, ?_⟩
          · intro q hq; cases hq
          · intro q hq; cases hq
      exact hx
    · intro q hq
      have hq : d.proof = some q := hq
      rw [hq] at hpf
      simp only [Option.all_some, proofFits, Bool.and_eq_true] at hpf
      exact hpf.1
    · intro q hq
      have hq : d.lock = some q := hq
      rw [hq] at hlk
      simp only [Option.all_some, proofFits, Bool.and_eq_true] at hlk
      exact hlk.1.1

theorem Sure.parts {q : Option Proof} (h : Sure config t)
    (hq : ∀ p, q = some p → proofHolds config t.state.height p = true) :
    Sure config ((q.map fun p => Quorum.holdParts config p t).getD t) ∧
      ((q.map fun p => Quorum.holdParts config p t).getD t).state.height = t.state.height := by
  cases q with
  | none => exact ⟨h, rfl⟩
  | some p => exact ⟨h.holdParts (hq p rfl), (Quiet.holdParts (config := config) p t).height⟩

theorem Sure.onStart (hs : Signs config) {d : Option Durable} {n : Nonce} {chain : Chain}
    (hu : onStart config d n ⟨begin config chain, []⟩ = .ok u) : Sure config u := by
  have hend : ∀ (v : Turn), Sure config v →
      (if v.state.ready then Except.ok (ε := Refusal) (Quorum.becomeReady config v)
        else .ok (Quorum.resync config none v)) = .ok u → Sure config u := by
    intro v hv he
    split at he
    · cases he; exact hv.becomeReady hs
    · cases he; exact hv.resync _
  have h0 : ∀ s, Sure config ⟨fresh config s chain, []⟩ :=
    fun s => ⟨Verified.fresh s chain, fun _ hc => by cases hc⟩
  have h1 := h0 { begin config chain with
    started := true, nonce := n, answered := onlySelf config }
  unfold Quorum.onStart at hu
  dsimp only at hu
  cases d with
  | none => exact hend _ h1 hu
  | some d =>
    simp only [Option.map_some, Option.getD_some] at hu
    split at hu
    · cases hu
    · rename_i v hv
      refine hend v ?_ hu
      unfold load at hv
      split at hv
      · cases hv
      · split at hv
        · cases hv
        · split at hv
          · cases hv; exact h1
          · unfold loadHeight at hv
            dsimp only at hv
            split at hv
            · rename_i hholds
              have h2 := Verified.loaded (config := config) (d := d) (chain := chain)
                (s := { begin config chain with
                  started := true, nonce := n, answered := onlySelf config }) hholds
              have h3 : Sure config ⟨loaded config d (fresh config { begin config chain with
                  started := true, nonce := n, answered := onlySelf config } chain), []⟩ :=
                ⟨h2, fun _ hc => by cases hc⟩
              have hfields : (loaded config d (fresh config { begin config chain with
                  started := true, nonce := n, answered := onlySelf config } chain)).proof = d.proof
                ∧ (loaded config d (fresh config { begin config chain with
                  started := true, nonce := n, answered := onlySelf config } chain)).lock
                  = d.lock := by
                unfold loaded
                dsimp only
                split <;> exact ⟨rfl, rfl⟩
              have h4 := h3.parts (q := d.lock) (fun p hp => h2.lock p (hfields.2.trans hp))
              have h5 := h4.1.parts (q := d.proof) (fun p hp => by
                rw [h4.2]
                exact h2.proof p (hfields.1.trans hp))
              cases hv
              exact h5.1
            · cases hv

theorem Sure.apply (hs : Signs config) {m : Message} (h : Sure config t) (hm : isStart m = false)
    (hu : apply config m t = .ok u) : Sure config u := by
  cases m with
  | start d n => cases hm
  | candidate a c => exact h.onCandidate hs hu
  | tick => cases hu; exact h.onTick hs
  | timeout => exact h.onTimeout hs hu
  | wire w =>
    cases w with
    | prepare m => exact h.onPrepare hs hu
    | commit m => exact h.onCommit hs hu
    | decided c => exact h.onDecided hu
    | resync m => exact h.onResync hu
    | reply m => exact h.onReply hs hu

theorem Sure.askContent (h : Sure config t) (s : State) (m : Message) :
    Sure config (askContent config s m t) := by
  unfold Quorum.askContent
  split
  · exact h
  · rename_i e he
    split
    · refine h.put (fun c hc => ?_)
      unfold need at he
      split at he
      · cases he; cases hc
      · cases he
    · exact h

/-! ## Who may sign, and who has answered -/

/-! ### Messages -/

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
