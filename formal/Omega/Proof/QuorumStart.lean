module

public import Omega.Proof.QuorumLife

/-! Lemmas: a member that starts takes over what its disk holds, and so its state agrees with its
disk through its whole life. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t u : Turn}

/-! ## What the disk holds -/

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

/-! ## A whole life -/

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
