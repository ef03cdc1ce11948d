module

public import Omega.Proof.QuorumLife
public import Omega.Proof.QuorumMessages

/-!
# The quorum: where locks come from

A lock comes from the prepares of the attempt that the member is in; and a life through which all
that a member holds, and its log, is verified.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t u : Turn}

/-! ## Locks -/

/-- A lock, if there is one, is of the state's attempt, and all prepares of it are for the lock. -/
def LockFits (config : Config) (s : State) : Prop :=
  ∀ l, s.lock = some l → l.attempt = s.attempt ∧ ∀ i, i < config.members →
    ∃ p, (s.held i).current = some p ∧ p.digest = l.digest

theorem fits_none {s : State} (h : s.lock = none) : LockFits config s := by
  intro l hl
  rw [h] at hl
  cases hl

theorem current_of_all {s : State} {d : Digest} (hl : s.prepares.length = config.members)
    (ha : allHeld s = true) (hd : allFor s d = true) (i : Nat) (hi : i < config.members) :
    ∃ p, (s.held i).current = some p ∧ p.digest = d := by
  have hmem : s.held i ∈ s.prepares := getD_mem (by rw [hl]; exact hi)
  obtain ⟨p, hp⟩ := Option.isSome_iff_exists.mp (List.all_eq_true.mp ha _ hmem)
  have hdig := List.all_eq_true.mp hd _ hmem
  rw [hp] at hdig
  have hdig : (p.digest == d) = true := hdig
  exact ⟨p, hp, by simpa using hdig⟩

theorem raise_lock (d : Digest) (t : Turn) : (raise config d t).state.lock = t.state.lock := by
  unfold raise
  dsimp only
  split
  · rfl
  · split <;> rfl

theorem makeCommit_fields (t : Turn) :
    (makeCommit config t).state.lock = t.state.lock ∧
    (makeCommit config t).state.held = t.state.held ∧
    (makeCommit config t).state.attempt = t.state.attempt := by
  unfold makeCommit
  split
  · exact ⟨rfl, rfl, rfl⟩
  · split
    · exact ⟨rfl, rfl, rfl⟩
    · exact ⟨rfl, rfl, rfl⟩

theorem lock_fits (h : Steady config origin g t) (hnone : t.state.lock = none) {p : SignedPrepare}
    (hp : (t.state.held config.self).current = some p) (ha : allHeld t.state = true)
    (hd : allFor t.state p.digest = true) : LockFits config (lock config p.digest t).state := by
  obtain ⟨h1, hheld, hatt, q, hq, hle⟩ := h.raise hp
  have hl0 : (raise config p.digest t).state.lock = none := (raise_lock _ _).trans hnone
  unfold lock
  dsimp only
  rw [if_neg (by rw [hl0]; exact Bool.false_ne_true), sendCommit_state]
  obtain ⟨f1, f2, f3⟩ := makeCommit_fields (config := config) (persist config
    { raise config p.digest t with
      state := { (raise config p.digest t).state with
        lock := (raise config p.digest t).state.proof } })
  intro l hl
  rw [f1] at hl
  have hl : (raise config p.digest t).state.proof = some l := hl
  rw [hq] at hl
  cases hl
  obtain ⟨r, hr, hqr, hdig⟩ := h1.whole.proof q hq
  rw [← hheld] at hp
  obtain ⟨hm, hpa⟩ := h1.whole.present p hp
  rw [hm] at hr
  cases hr
  refine ⟨?_, ?_⟩
  · rw [f3]
    show q.attempt = (raise config p.digest t).state.attempt
    omega
  · intro i hi
    rw [f2]
    show ∃ r, ((raise config p.digest t).state.held i).current = some r ∧ _
    rw [hheld, hdig (by omega)]
    exact current_of_all h.whole.lenP ha hd i hi

theorem prepare_lock (h : prepare config t = some u) : u.state.lock = t.state.lock := by
  unfold prepare at h
  split at h
  · cases h; rfl
  · split at h
    · cases h
    · split at h
      · cases h
        unfold prepareFor
        dsimp only
        rw [sendPrepare_state]
        rfl
      · cases h

theorem rounds_fits : ∀ (fuel : Nat) {t : Turn}, Steady config origin g t → t.state.lock = none →
    LockFits config (rounds config fuel t).state
  | 0, _, _, hnone => fits_none hnone
  | fuel + 1, t, h, hnone => by
    unfold rounds
    split
    · exact fits_none hnone
    · rename_i u hu
      obtain ⟨h1, hp⟩ := h.prepare hu
      have hn : u.state.lock = none := (prepare_lock hu).trans hnone
      split
      · exact fits_none hn
      · rename_i own hown
        split
        · exact fits_none hn
        · rename_i ha
          have ha : allHeld u.state = true := by simpa using ha
          split
          · rename_i hd
            obtain ⟨p, hp⟩ := Option.isSome_iff_exists.mp hp
            have hm := (h1.whole.present p hp).1
            rw [hown] at hm
            cases hm
            exact lock_fits h1 hn hp ha hd
          · exact rounds_fits fuel h1.advance hn

theorem enter_lock (chain : Chain) (t : Turn) : (enter config chain t).state.lock = none := by
  unfold enter
  dsimp only
  split <;> rfl

theorem progress_fits (h : Steady config origin g t) (hnone : t.state.lock = none) :
    LockFits config (progress config t).state := by
  unfold progress
  split
  · have hr := rounds_fits 3 h hnone
    unfold conclude
    split
    · exact hr
    · split
      · exact hr
      · split
        · exact fits_none (enter_lock _ _)
        · exact hr
  · exact fits_none hnone

theorem learn_lock {p : Option Proof} {r : Turn × Bool} (hr : learn config p t = .ok r) :
    r.1.state.lock = t.state.lock := by
  unfold learn at hr
  split at hr
  · cases hr; rfl
  · rename_i p
    split at hr
    · cases hr; rfl
    · split at hr
      · cases hr
      · split at hr
        · cases hr
          exact (Quiet.disowned (config := config) (part p config.self) t).lock
        · cases hr
          exact (Quiet.holdParts (config := config) p (persist config
            { t with state := prune config { t.state with proof := some p } })).lock

/-- A member without a lock that takes a message which is not a start: a lock that it has then is of
the prepares that it holds. -/
theorem apply_fits {m : Message} (h : Steady config origin g t) (hnone : t.state.lock = none)
    (hm : isStart m = false) (hu : apply config m t = .ok u) : LockFits config u.state := by
  have hquiet : ∀ {v : Turn}, Quiet config t v → LockFits config v.state :=
    fun q => fits_none (q.lock.trans hnone)
  cases m with
  | start d n => cases hm
  | candidate a c =>
    obtain ⟨hf, he⟩ := onCandidate_ok hu
    rw [he]
    exact progress_fits (h.withCandidate hf) hnone
  | tick =>
    cases hu
    show LockFits config (onTick config t).state
    unfold onTick
    split
    · exact hquiet (Quiet.askSilent _)
    · split
      · exact progress_fits h.advance hnone
      · refine fits_none ?_
        unfold resend
        rw [sendCommit_state, sendPrepare_state]
        exact hnone
  | timeout =>
    have hu : onTimeout config t = .ok u := hu
    unfold onTimeout at hu
    split at hu
    · cases hu
    · split at hu
      · cases hu
      · cases hu; exact progress_fits h.advance hnone
  | wire w =>
    cases w with
    | prepare m =>
      have hu : onPrepare config m t = .ok u := hu
      unfold onPrepare at hu
      dsimp only at hu
      split at hu
      · cases hu
      · split at hu
        · cases hu
        · split at hu
          · split at hu
            · cases hu; exact hquiet (Quiet.halt _ _ _)
            · cases hu; exact hquiet (Quiet.elsewhere _ _ _)
          · split at hu
            · cases hu
            · rename_i r news hr
              have h1 : Steady config origin g r := h.learn hr
              have hn : r.state.lock = none := (learn_lock hr).trans hnone
              split at hu
              · cases hu; exact fits_none hn
              · split at hu
                · cases hu
                · cases hu
                  have q := Quiet.holdPrepare (config := config) m.sender m.signed r
                  exact progress_fits (h1.quiet q) (q.lock.trans hn)
    | commit m =>
      have hu : onCommit config m t = .ok u := hu
      unfold onCommit at hu
      dsimp only at hu
      split at hu
      · cases hu
      · split at hu
        · cases hu
        · split at hu
          · split at hu
            · cases hu; exact hquiet (Quiet.halt _ _ _)
            · cases hu; exact hquiet (Quiet.elsewhere _ _ _)
          · split at hu
            · cases hu
            · rename_i r news hr
              have h1 : Steady config origin g r := h.learn hr
              have hn : r.state.lock = none := (learn_lock hr).trans hnone
              split at hu
              · cases hu; exact fits_none hn
              · cases hu
                have q := Quiet.holdCommit (config := config) m.sender m.signed r
                exact progress_fits (h1.quiet q) (q.lock.trans hn)
    | decided c =>
      have hu : onDecided config c t = .ok u := hu
      unfold onDecided at hu
      dsimp only at hu
      split at hu
      · exact hquiet (Quiet.comparePast hu)
      · split at hu
        · split at hu
          · cases hu; exact hquiet ((Quiet.put t rfl).trans (Quiet.resync _ _))
          · cases hu
        · unfold adopt at hu
          split at hu
          · cases hu
          · split at hu
            · cases hu
            · dsimp only at hu
              split at hu
              · cases hu; exact hquiet (Quiet.disownedCommit _ _)
              · cases hu; exact fits_none (enter_lock _ _)
    | resync m => exact hquiet (Quiet.onResync hu)
    | reply m =>
      have hu : onReply config m t = .ok u := hu
      unfold onReply at hu
      split at hu
      · cases hu
      · dsimp only at hu
        have q := Quiet.compareReply (config := config) m t
        split at hu
        · cases hu; exact hquiet q
        · have h1 := (h.quiet q).withAnswered
            ((compareReply config m t).state.answered.set m.sender true)
          split at hu
          · cases hu
            refine progress_fits h1.makeCommit.resend ?_
            unfold resend
            rw [sendCommit_state, sendPrepare_state]
            refine Eq.trans (makeCommit_fields (config := config) _).1 ?_
            exact q.lock.trans hnone
          · cases hu
            exact fits_none (q.lock.trans hnone)

theorem askContent_state (s : State) (m : Message) (t : Turn) :
    (askContent config s m t).state = t.state := by
  unfold askContent
  split
  · rfl
  · split <;> rfl

/-! ## A life through which all is verified -/

theorem log_carryAll {c : Certificate} : ∀ (es : List Effect) (g : Trail),
    c ∈ (carryAll g es).log → c ∈ g.log ∨ Effect.append c ∈ es
  | [], _, h => .inl h
  | e :: es, g, h => by
    have ih := log_carryAll es (carry g e) h
    cases ih with
    | inr h => exact .inr (List.mem_cons_of_mem _ h)
    | inl h =>
      cases e with
      | append x =>
        cases List.mem_append.mp h with
        | inl h => exact .inl h
        | inr h =>
          cases List.mem_singleton.mp h
          exact .inr (List.mem_cons_self ..)
      | _ => exact .inl h

/-- A member whose signatures verify: all that it holds and has in its log is verified. -/
structure Safe (config : Config) (origin : Chain) (life : Life) : Prop where
  alive : Alive config origin life
  state : Verified config life.state
  log : ∀ c, c ∈ life.trail.log → votesVerify config c = true

theorem Verified.begin (config : Config) (chain : Chain) : Verified config (begin config chain) :=
  Verified.fresh (Quorum.begin config chain) chain

theorem step_sure (hs : Signs config) {life : Life} (h : Safe config origin life) (m : Message) :
    (∃ r, step config life.state (bring life.trail.disk m) = ⟨life.state, [], some r⟩) ∨
    ∃ t, Sure config t ∧
      step config life.state (bring life.trail.disk m) = ⟨t.state, t.effects, none⟩ := by
  cases h.alive.now with
  | inl hb =>
    rw [hb]
    cases m with
    | start d n =>
      show (∃ r, Quorum.step config _ (.start life.trail.disk n) = _) ∨
        ∃ t, _ ∧ Quorum.step config _ (.start life.trail.disk n) = _
      unfold Quorum.step
      split
      · exact .inl ⟨_, rfl⟩
      · split
        · exact .inl ⟨_, rfl⟩
        · rename_i t ht
          have h1 : Sure config t := Sure.onStart hs ht
          exact .inr ⟨_, h1.askContent _ _, rfl⟩
    | wire w => exact .inl ⟨.notStarted, rfl⟩
    | candidate a c => exact .inl ⟨.notStarted, rfl⟩
    | tick => exact .inl ⟨.notStarted, rfl⟩
    | timeout => exact .inl ⟨.notStarted, rfl⟩
  | inr hst =>
    unfold Quorum.step
    split
    · exact .inl ⟨_, rfl⟩
    · rename_i hadmit
      have hstarted : life.state.started = true := hst.whole.started
      have hm : isStart (bring life.trail.disk m) = false := by
        cases hb : isStart (bring life.trail.disk m) with
        | false => rfl
        | true =>
          unfold admit at hadmit
          rw [hb, hstarted] at hadmit
          split at hadmit <;> cases hadmit
      split
      · exact .inl ⟨_, rfl⟩
      · rename_i t ht
        have h0 : Sure config ⟨life.state, []⟩ := ⟨h.state, fun _ hc => by cases hc⟩
        exact .inr ⟨_, (h0.apply hs hm ht).askContent _ _, rfl⟩

theorem Safe.happen (hs : Signs config) {life : Life} (h : Safe config origin life) (i : Input) :
    Safe config origin (happen config origin life i) := by
  refine ⟨(h.alive.happen i).1, ?_, ?_⟩
  · unfold Quorum.happen
    dsimp only
    cases step_sure hs h i.message with
    | inl hr =>
      obtain ⟨r, hr⟩ := hr
      rw [hr]
      cases i.crash with
      | none => exact h.state
      | some k => exact Verified.begin _ _
    | inr hr =>
      obtain ⟨t, ht, hr⟩ := hr
      rw [hr]
      cases i.crash with
      | none => exact ht.state
      | some k => exact Verified.begin _ _
  · unfold Quorum.happen
    dsimp only
    cases step_sure hs h i.message with
    | inl hr =>
      obtain ⟨r, hr⟩ := hr
      rw [hr]
      cases i.crash with
      | none => exact h.log
      | some k =>
        dsimp only
        rw [List.take_nil]
        exact h.log
    | inr hr =>
      obtain ⟨t, ht, hr⟩ := hr
      rw [hr]
      cases i.crash with
      | none =>
        intro c hc
        cases log_carryAll t.effects life.trail hc with
        | inl hc => exact h.log c hc
        | inr hc => exact ht.appended c hc
      | some k =>
        intro c hc
        cases log_carryAll (t.effects.take k) life.trail hc with
        | inl hc => exact h.log c hc
        | inr hc => exact ht.appended c (List.mem_of_mem_take hc)

theorem Safe.runFrom (hs : Signs config) : ∀ (inputs : List Input) {life : Life},
    Safe config origin life → Safe config origin (runFrom config origin life inputs)
  | [], _, h => h
  | i :: inputs, _, h => Safe.runFrom hs inputs (h.happen hs i)

theorem safe_run (hs : Signs config) (origin : Chain) (inputs : List Input) :
    Safe config origin (run config origin inputs) :=
  Safe.runFrom hs inputs ⟨alive_born config origin, Verified.begin _ _, fun _ hc => by cases hc⟩

end Omega.Quorum
