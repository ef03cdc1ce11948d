module

public import Omega.Proof.QuorumOnce

/-!
# The quorum: state and disk in a life

A member's state agrees with its disk after every message, crash and start. A member that starts
takes over what its disk holds, and so the two agree through its whole life.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t u : Turn}

/-! ## From message to message -/

/-! ### The end of a height -/

theorem held_replicate (n i : Nat) : (List.replicate n ({} : Held)).getD i {} = {} := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate]
  split <;> rfl

theorem commit_replicate (n i : Nat) :
    (List.replicate n (none : Option SignedCommit)).getD i none = none := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate]
  split <;> rfl

theorem held_fresh (s : State) (chain : Chain) (i : Nat) : (fresh config s chain).held i = {} :=
  held_replicate _ _

theorem commit_fresh (s : State) (chain : Chain) (i : Nat) :
    (fresh config s chain).commit i = none :=
  commit_replicate _ _

theorem mine_fresh (s : State) (chain : Chain) : mine config (fresh config s chain) = none := by
  unfold mine
  rw [held_fresh]

theorem Whole.fresh {s : State} (hs : s.started = true) (chain : Chain) :
    Whole config (fresh config s chain) := by
  refine ⟨hs, List.length_replicate, List.length_replicate, ?_, ?_, ?_, ?_, ?_, ?_, ?_⟩
  · intro c hc
    cases hc
  · rw [held_fresh]
    intro p hp
    cases hp
  · rw [mine_fresh]
    intro _ p hp
    cases hp
  · rw [mine_fresh]
    intro p hp
    cases hp
  · intro l hl
    cases hl
  · intro q hq
    cases hq
  · rw [commit_fresh]
    intro k hk
    cases hk

theorem Steady.fresh {s : State} {es : List Effect} {chain : Chain}
    (ht : Traced config origin g es) (hs : s.started = true)
    (hc : chain = chainOf config origin (carryAll g es))
    (hd : onDisk config origin (carryAll g es) = none) :
    Steady config origin g ⟨fresh config s chain, es⟩ := by
  refine ⟨⟨ht, hc, Whole.fresh hs chain⟩, ?_⟩
  rw [hd]
  refine ⟨mine_fresh _ _, rfl, ?_⟩
  intro l c hl
  cases hl

theorem Steady.enter {chain : Chain} (ht : Traced config origin g u.effects)
    (hs : u.state.started = true) (hc : chain = chainOf config origin (carryAll g u.effects))
    (hd : onDisk config origin (carryAll g u.effects) = none) :
    Steady config origin g (enter config chain u) := by
  unfold Quorum.enter
  dsimp only
  split
  · exact Steady.fresh ht hs hc hd
  · refine Steady.quiet (t := ⟨Quorum.fresh config
      { u.state with answered := onlySelf config } chain, u.effects⟩) ?_ (Quiet.resync _ _)
    exact Steady.fresh ht hs hc hd

theorem Steady.append (h : Steady config origin g t) {c : Certificate} {chain : Chain}
    (hf : follow config t.state.chain c.content = some chain) :
    Traced config origin g (t.put (.append c)).effects ∧
      chain = chainOf config origin (carryAll g (t.put (.append c)).effects) ∧
      onDisk config origin (carryAll g (t.put (.append c)).effects) = none := by
  have hs := h.traced.now.1
  have hsnoc := carryAll_snoc g t.effects (.append c)
  refine ⟨h.traced.snoc (hs.append ?_) (Later.append _ _), ?_, ?_⟩
  · rw [← h.chain, hf]
    rfl
  · show _ = chainOf config origin (carryAll g (t.effects ++ [_]))
    rw [hsnoc, chainOf_append, ← h.chain]
    exact (follow_some hf).2.2
  · show onDisk config origin (carryAll g (t.effects ++ [_])) = none
    rw [hsnoc]
    exact onDisk_append hs c

theorem Steady.conclude (h : Steady config origin g t) :
    Steady config origin g (conclude config t) := by
  unfold Quorum.conclude
  split
  · exact h
  · split
    · exact h
    · split
      · rename_i content _ _ _ votes next _ hn
        obtain ⟨h1, h2, h3⟩ := h.append (c := ⟨content, votes⟩) hn
        have hq := h1.quiet (more := [.announce ⟨content, votes⟩]) (by simp [quietEffect])
        refine Steady.enter hq.1 h.whole.started ?_ ?_
        · show _ = chainOf config origin (carryAll g (_ ++ [_]))
          rw [same_chain hq.2]
          exact h2
        · show onDisk config origin (carryAll g (_ ++ [_])) = none
          rw [same_onDisk hq.2]
          exact h3
      · exact h

theorem Steady.progress (h : Steady config origin g t) :
    Steady config origin g (progress config t) := by
  unfold Quorum.progress
  split
  · exact (Steady.rounds 3 h).conclude
  · exact h

/-! ### Messages -/

theorem Steady.onPrepare {m : Prepare} (h : Steady config origin g t)
    (hu : onPrepare config m t = .ok u) : Steady config origin g u := by
  unfold Quorum.onPrepare at hu
  dsimp only at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · split at hu
        · cases hu; exact h.quiet (Quiet.halt _ _ _)
        · cases hu; exact h.quiet (Quiet.elsewhere _ _ _)
      · split at hu
        · cases hu
        · rename_i r news hr
          have h1 : Steady config origin g r := h.learn hr
          split at hu
          · cases hu; exact h1
          · split at hu
            · cases hu
            · cases hu; exact (h1.quiet (Quiet.holdPrepare _ _ _)).progress

theorem Steady.onCommit {m : Commit} (h : Steady config origin g t)
    (hu : onCommit config m t = .ok u) : Steady config origin g u := by
  unfold Quorum.onCommit at hu
  dsimp only at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · split at hu
        · cases hu; exact h.quiet (Quiet.halt _ _ _)
        · cases hu; exact h.quiet (Quiet.elsewhere _ _ _)
      · split at hu
        · cases hu
        · rename_i r news hr
          have h1 : Steady config origin g r := h.learn hr
          split at hu
          · cases hu; exact h1
          · cases hu; exact (h1.quiet (Quiet.holdCommit _ _ _)).progress

theorem Steady.adopt {c : Certificate} (h : Steady config origin g t)
    (hu : adopt config c t = .ok u) : Steady config origin g u := by
  unfold Quorum.adopt at hu
  split at hu
  · cases hu
  · rename_i next hn
    split at hu
    · cases hu
    · dsimp only at hu
      have hq := Quiet.disownedCommit (config := config)
        ⟨c.content.envelope, c.signatures.getD config.self 0⟩ t
      have h1 := h.quiet hq
      split at hu
      · cases hu; exact h1
      · cases hu
        rw [← hq.chain] at hn
        obtain ⟨h2, h3, h4⟩ := h1.append hn
        exact Steady.enter h2 h1.whole.started h3 h4

theorem Steady.onDecided {c : Certificate} (h : Steady config origin g t)
    (hu : onDecided config c t = .ok u) : Steady config origin g u := by
  unfold Quorum.onDecided at hu
  dsimp only at hu
  split at hu
  · exact h.quiet (Quiet.comparePast hu)
  · split at hu
    · split at hu
      · cases hu; exact h.quiet ((Quiet.put t rfl).trans (Quiet.resync _ _))
      · cases hu
    · exact h.adopt hu

theorem Steady.becomeReady (h : Steady config origin g t) :
    Steady config origin g (becomeReady config t) :=
  h.makeCommit.resend.progress

theorem Steady.withAnswered (h : Steady config origin g t) (answered : List Bool) :
    Steady config origin g { t with state := { t.state with answered := answered } } := by
  have w := h.whole
  exact ⟨⟨h.traced, h.chain, ⟨w.started, w.lenP, w.lenC, w.follows, w.present, w.absent, w.content,
    w.lockContent, w.proof, w.commit⟩⟩, ⟨h.synced.mine, h.synced.lock, h.synced.content⟩⟩

theorem Steady.onReply {m : Reply} (h : Steady config origin g t)
    (hu : onReply config m t = .ok u) : Steady config origin g u := by
  unfold Quorum.onReply at hu
  split at hu
  · cases hu
  · dsimp only at hu
    have h1 := h.quiet (Quiet.compareReply m t)
    split at hu
    · cases hu; exact h1
    · split at hu
      · cases hu; exact (h1.withAnswered _).becomeReady
      · cases hu; exact h1.withAnswered _

theorem Steady.withCandidate {content : Content} (h : Steady config origin g t)
    (hf : (follow config t.state.chain content).isSome = true) :
    Steady config origin g { t with state := withCandidate config content t.state } := by
  have w := h.whole
  refine Steady.prune (t := ⟨{ t.state with
    own := some (digestOf config content)
    candidates := insert config t.state.candidates content }, t.effects⟩)
    ⟨⟨h.traced, h.chain, ?_⟩, ?_⟩
  · refine ⟨w.started, w.lenP, w.lenC, ?_, w.present, w.absent, ?_, ?_, w.proof, ?_⟩
    · intro c hc
      cases mem_insert hc with
      | inl hc => subst hc; exact hf
      | inr hc => exact w.follows c hc
    · intro p hp
      obtain ⟨c, hc⟩ := w.content p hp
      exact ⟨c, find_insert content hc⟩
    · intro l hl
      obtain ⟨c, hc⟩ := w.lockContent l hl
      exact ⟨c, find_insert content hc⟩
    · intro k hk
      obtain ⟨l, c, hl, hc, hkc⟩ := w.commit k hk
      exact ⟨l, c, hl, find_insert content hc, hkc⟩
  · refine ⟨h.synced.mine, h.synced.lock, ?_⟩
    intro l c hl hc
    obtain ⟨x, hx⟩ := w.lockContent l hl
    have hx' := find_insert content hx
    have hc : find config (insert config t.state.candidates content) l.digest = some c := hc
    rw [hc] at hx'
    cases hx'
    exact h.synced.content l c hl hx

theorem onCandidate_ok {a : Nat} {content : Content}
    (hu : onCandidate config a content t = .ok u) :
    (follow config t.state.chain content).isSome = true ∧
      u = progress config { t with state := withCandidate config content t.state } := by
  unfold onCandidate at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · split at hu
      · cases hu
      · rename_i hf
        split at hu
        · cases hu
        · cases hu
          refine ⟨?_, rfl⟩
          cases hx : follow config t.state.chain content with
          | none => rw [hx] at hf; exact absurd rfl hf
          | some _ => rfl

theorem Steady.onCandidate {a : Nat} {content : Content} (h : Steady config origin g t)
    (hu : onCandidate config a content t = .ok u) : Steady config origin g u := by
  obtain ⟨hf, he⟩ := onCandidate_ok hu
  rw [he]
  exact (h.withCandidate hf).progress

theorem Steady.onTick (h : Steady config origin g t) :
    Steady config origin g (onTick config t) := by
  unfold Quorum.onTick
  split
  · exact h.quiet (Quiet.askSilent _)
  · split
    · exact h.advance.progress
    · exact h.resend

theorem Steady.onTimeout (h : Steady config origin g t) (hu : onTimeout config t = .ok u) :
    Steady config origin g u := by
  unfold Quorum.onTimeout at hu
  split at hu
  · cases hu
  · split at hu
    · cases hu
    · cases hu; exact h.advance.progress

theorem Steady.apply {m : Message} (h : Steady config origin g t) (hm : isStart m = false)
    (hu : apply config m t = .ok u) : Steady config origin g u := by
  cases m with
  | start d n => cases hm
  | candidate a c => exact h.onCandidate hu
  | tick => cases hu; exact h.onTick
  | timeout => exact h.onTimeout hu
  | wire w =>
    cases w with
    | prepare m => exact h.onPrepare hu
    | commit m => exact h.onCommit hu
    | decided c => exact h.onDecided hu
    | resync m => exact h.quiet (Quiet.onResync hu)
    | reply m => exact h.onReply hu

/-! ## From start to start -/

/-! ### What the disk holds -/

theorem loaded_fields (d : Durable) (s : State) :
    (loaded config d s).candidates = s.candidates ++ d.candidates ∧
    (loaded config d s).proof = d.proof ∧ (loaded config d s).lock = d.lock ∧
    (loaded config d s).chain = s.chain ∧ (loaded config d s).started = s.started ∧
    (loaded config d s).commits = s.commits ∧
    (loaded config d s).prepares.length = s.prepares.length := by
  unfold loaded
  dsimp only
  split
  · exact ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl⟩
  · exact ⟨rfl, rfl, rfl, rfl, rfl, rfl, List.length_set⟩

theorem loaded_held (d : Durable) (s : State) (hl : s.prepares.length = config.members)
    (hh : s.held config.self = {}) :
    (loaded config d s).held config.self = ⟨d.prepare, d.prepare⟩ := by
  unfold loaded
  dsimp only
  split
  · rename_i hp
    rw [hp]
    exact hh
  · rename_i p hp
    rw [hp]
    exact getD_set_self _ _ _ _ (by rw [hl]; exact config.self.isLt)

theorem loaded_attempt (d : Durable) (s : State) (p : SignedPrepare) (hp : d.prepare = some p) :
    (loaded config d s).attempt = p.attempt := by
  unfold loaded
  rw [hp]

theorem Whole.loaded {d : Durable} {s : State} {chain : Chain} (hs : s.started = true)
    (h : diskHolds config d (loaded config d (Quorum.fresh config s chain)) = true) :
    Whole config (loaded config d (Quorum.fresh config s chain)) ∧
    Synced config (loaded config d (Quorum.fresh config s chain)) (some d) := by
  obtain ⟨hcand, hproof, hlock, hchain, hstart, hcommits, hlen⟩ :=
    loaded_fields (config := config) d (Quorum.fresh config s chain)
  have hlenP : (Quorum.fresh config s chain).prepares.length = config.members :=
    List.length_replicate
  have hheld := loaded_held d (Quorum.fresh config s chain) hlenP (held_fresh s chain _)
  have hatt := loaded_attempt (config := config) d (Quorum.fresh config s chain)
  have hmine : mine config (Quorum.loaded config d (Quorum.fresh config s chain)) = d.prepare := by
    unfold mine
    rw [hheld]
  have hcand : (Quorum.loaded config d (Quorum.fresh config s chain)).candidates
      = d.candidates := hcand
  have hcommit : (Quorum.loaded config d (Quorum.fresh config s chain)).commit config.self
      = none := by
    unfold State.commit
    rw [hcommits]
    exact commit_replicate _ _
  simp only [diskHolds, Bool.and_eq_true] at h
  obtain ⟨⟨⟨⟨hwf, hfol⟩, hprep⟩, hlk⟩, hpf⟩ := h
  simp only [wellFormed, Bool.and_eq_true] at hwf
  refine ⟨⟨?_, ?_, ?_, ?_, ?_, ?_, ?_, ?_, ?_, ?_⟩, ?_, ?_, ?_⟩
  · rw [hstart]; exact hs
  · rw [hlen]; exact hlenP
  · rw [hcommits]; exact List.length_replicate
  · rw [hcand]
    intro c hc
    exact List.all_eq_true.mp hfol c hc
  · rw [hheld, hmine]
    intro p hp
    exact ⟨hp, (hatt p hp).symm⟩
  · rw [hheld, hmine]
    intro hn p hp
    have hn : d.prepare = none := hn
    rw [hn] at hp
    cases hp
  · rw [hmine, hcand]
    intro p hp
    have := hwf.1.2
    rw [hp] at this
    exact Option.isSome_iff_exists.mp this
  · rw [hlock, hcand]
    intro l hl
    have := hwf.2
    rw [hl] at this
    exact Option.isSome_iff_exists.mp this
  · rw [hproof]
    intro q hq
    rw [hq] at hpf
    have hpf : proofFits config (Quorum.loaded config d (Quorum.fresh config s chain)) q
        = true := hpf
    simp only [proofFits, Bool.and_eq_true, Bool.not_eq_true'] at hpf
    exact not_contradicts hpf.2
  · rw [hcommit]
    intro k hk
    cases hk
  · exact hmine
  · exact hlock
  · rw [hcand]
    intro l c _ hc
    exact ⟨d, rfl, hc⟩

theorem Steady.onStart {nonce : Nonce} (hs : Sound config origin g)
    (hu : onStart config g.disk nonce ⟨begin config (chainOf config origin g), []⟩ = .ok u) :
    Steady config origin g u := by
  have hend : ∀ (v : Turn), Steady config origin g v →
      (if v.state.ready then Except.ok (ε := Refusal) (Quorum.becomeReady config v)
        else .ok (resync config none v)) = .ok u → Steady config origin g u := by
    intro v hv he
    split at he
    · cases he; exact hv.becomeReady
    · cases he; exact hv.quiet (Quiet.resync _ _)
  have hfresh : onDisk config origin g = none → Steady config origin g
      ⟨{ begin config (chainOf config origin g) with
        started := true, nonce := nonce, answered := onlySelf config }, []⟩ :=
    fun hd => Steady.fresh (s := { begin config (chainOf config origin g) with
      started := true, nonce := nonce, answered := onlySelf config }) (Traced.nil hs) rfl rfl hd
  unfold Quorum.onStart at hu
  dsimp only at hu
  cases hd : g.disk with
  | none =>
    rw [hd] at hu
    refine hend _ (hfresh ?_) hu
    unfold onDisk
    rw [hd]
    rfl
  | some d =>
    rw [hd] at hu
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
        · rename_i hnot
          split at hv
          · rename_i hlt
            cases hv
            refine hfresh ?_
            cases hx : onDisk config origin g with
            | none => rfl
            | some e =>
              obtain ⟨h1, h2⟩ := onDisk_some.mp hx
              rw [hd] at h1
              cases h1
              have hlt : d.height < (chainOf config origin g).height := hlt
              omega
          · rename_i hge
            unfold loadHeight at hv
            dsimp only at hv
            split at hv
            · rename_i hholds
              have hw := Whole.loaded (config := config) (d := d)
                (s := { begin config (chainOf config origin g) with
                  started := true, nonce := nonce, answered := onlySelf config })
                (chain := chainOf config origin g) rfl hholds
              have hon : onDisk config origin g = some d := by
                refine onDisk_some.mpr ⟨hd, ?_⟩
                have hnot : ¬ (chainOf config origin g).height < d.height := hnot
                have hge : ¬ d.height < (chainOf config origin g).height := hge
                omega
              have h0 : Steady config origin g ⟨loaded config d (Quorum.fresh config
                  { begin config (chainOf config origin g) with
                    started := true, nonce := nonce, answered := onlySelf config }
                  (chainOf config origin g)), []⟩ := by
                refine ⟨⟨Traced.nil hs, ?_, hw.1⟩, ?_⟩
                · exact (loaded_fields (config := config) d _).2.2.2.1
                · show Synced config _ (onDisk config origin g)
                  rw [hon]
                  exact hw.2
              have hparts : ∀ (p : Option Proof) (v : Turn), Steady config origin g v →
                  Steady config origin g ((p.map fun p => holdParts config p v).getD v) := by
                intro p v hv
                cases p with
                | none => exact hv
                | some p => exact hv.quiet (Quiet.holdParts _ _)
              cases hv
              exact hparts _ _ (hparts _ _ h0)
            · cases hv

/-! ### A whole life -/

/-- What holds of a member at any time between two inputs. -/
structure Alive (config : Config) (origin : Chain) (life : Life) : Prop where
  sound : Sound config origin life.trail
  now : life.state = begin config (chainOf config origin life.trail) ∨
    Steady config origin life.trail ⟨life.state, []⟩

theorem Alive.step {life : Life} (h : Alive config origin life) (m : Message) :
    (∃ r, step config life.state (bring life.trail.disk m) = ⟨life.state, [], some r⟩) ∨
    ∃ t, Steady config origin life.trail t ∧
      step config life.state (bring life.trail.disk m) = ⟨t.state, t.effects, none⟩ := by
  cases h.now with
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
          have h1 : Steady config origin life.trail t := Steady.onStart h.sound ht
          exact .inr ⟨_, h1.quiet (Quiet.askContent _ _ _), rfl⟩
    | wire w => exact .inl ⟨.notStarted, rfl⟩
    | candidate a c => exact .inl ⟨.notStarted, rfl⟩
    | tick => exact .inl ⟨.notStarted, rfl⟩
    | timeout => exact .inl ⟨.notStarted, rfl⟩
  | inr hs =>
    unfold Quorum.step
    split
    · exact .inl ⟨_, rfl⟩
    · rename_i hadmit
      have hstarted : life.state.started = true := hs.whole.started
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
        exact .inr ⟨_, (hs.apply hm ht).quiet (Quiet.askContent _ _ _), rfl⟩

theorem Steady.alive (h : Steady config origin g t) :
    Alive config origin ⟨t.state, carryAll g t.effects⟩ :=
  ⟨h.traced.now.1, .inr ⟨⟨Traced.nil h.traced.now.1, h.chain, h.whole⟩, h.synced⟩⟩

theorem Alive.happen {life : Life} (h : Alive config origin life) (i : Input) :
    Alive config origin (happen config origin life i) ∧
      Later config origin life.trail (happen config origin life i).trail := by
  unfold Quorum.happen
  dsimp only
  cases h.step i.message with
  | inl hr =>
    obtain ⟨r, hr⟩ := hr
    rw [hr]
    cases i.crash with
    | none => exact ⟨h, Later.refl _⟩
    | some k =>
      dsimp only
      rw [List.take_nil]
      exact ⟨⟨h.sound, .inl rfl⟩, Later.refl _⟩
  | inr hr =>
    obtain ⟨t, ht, hr⟩ := hr
    rw [hr]
    cases i.crash with
    | none => exact ⟨ht.alive, ht.traced.now.2⟩
    | some k => exact ⟨⟨(ht.traced k).1, .inl rfl⟩, (ht.traced k).2⟩

theorem Alive.runFrom : ∀ (inputs : List Input) {life : Life}, Alive config origin life →
    Alive config origin (runFrom config origin life inputs) ∧
      Later config origin life.trail (runFrom config origin life inputs).trail
  | [], _, h => ⟨h, Later.refl _⟩
  | i :: inputs, _, h => by
    have h1 := h.happen i
    have h2 := Alive.runFrom inputs h1.1
    exact ⟨h2.1, h1.2.trans h2.2⟩

theorem alive_born (config : Config) (origin : Chain) :
    Alive config origin (born config origin) := by
  refine ⟨⟨?_, ?_, ?_, ?_, ?_, ?_, ?_, trivial⟩, .inl rfl⟩
  · intro d hd; cases hd
  · intro c hc; cases hc
  · intro c hc; cases hc
  · intro a b ha; cases ha
  · intro p hp; cases hp
  · intro p hp; cases hp
  · intro a b ha; cases ha

theorem alive_run (config : Config) (origin : Chain) (inputs : List Input) :
    Alive config origin (run config origin inputs) :=
  (Alive.runFrom inputs (alive_born config origin)).1

theorem run_append (config : Config) (origin : Chain) (inputs more : List Input) :
    run config origin (inputs ++ more)
      = runFrom config origin (run config origin inputs) more := by
  simp only [run, runFrom, List.foldl_append]

end Omega.Quorum
