module

public import Omega.Proof.QuorumTrail

/-!
# The quorum: state and disk in a step

A member's state agrees with its disk before and after each part of a step.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-! ## State and disk -/

/-- What holds of the state of a member that has started, apart from its disk. -/
structure Whole (config : Config) (s : State) : Prop where
  started : s.started = true
  lenP : s.prepares.length = config.members
  lenC : s.commits.length = config.members
  follows : ∀ c, c ∈ s.candidates → (follow config s.chain c).isSome = true
  present : ∀ p, (s.held config.self).current = some p →
    mine config s = some p ∧ p.attempt = s.attempt
  absent : (s.held config.self).current = none → ∀ p, mine config s = some p →
    p.attempt < s.attempt
  content : ∀ p, mine config s = some p → ∃ c, find config s.candidates p.digest = some c
  lockContent : ∀ l, s.lock = some l → ∃ c, find config s.candidates l.digest = some c
  proof : ∀ q, s.proof = some q → ∃ p, mine config s = some p ∧ q.attempt ≤ p.attempt ∧
    (q.attempt = p.attempt → q.digest = p.digest)
  commit : ∀ k, s.commit config.self = some k → ∃ l c, s.lock = some l ∧
    find config s.candidates l.digest = some c ∧
    k = ⟨c.envelope, config.sign (.vote config.chain l.digest)⟩

/-- The state says what the disk holds for its height. -/
structure Synced (config : Config) (s : State) (d : Option Durable) : Prop where
  mine : mine config s = d.bind (·.prepare)
  lock : s.lock = d.bind (·.lock)
  content : ∀ l c, s.lock = some l → find config s.candidates l.digest = some c →
    ∃ x, d = some x ∧ find config x.candidates l.digest = some c

/-- The state may be put on disk: it says the same or has gone on. -/
structure Ahead (config : Config) (s : State) (d : Option Durable) : Prop where
  mine : ∀ e q, d = some e → e.prepare = some q →
    ∃ p, Quorum.mine config s = some p ∧ (p = q ∨ q.attempt < p.attempt)
  lock : ∀ e l, d = some e → e.lock = some l → s.lock = some l
  content : ∀ e l x, d = some e → e.lock = some l → find config e.candidates l.digest = some x →
    find config s.candidates l.digest = some x

/-- A turn under way that began with the trail `g`. -/
structure Base (config : Config) (origin : Chain) (g : Trail) (t : Turn) : Prop where
  traced : Traced config origin g t.effects
  chain : t.state.chain = chainOf config origin (carryAll g t.effects)
  whole : Whole config t.state

/-- A turn whose state says what the disk holds. -/
structure Steady (config : Config) (origin : Chain) (g : Trail) (t : Turn) : Prop
    extends Base config origin g t where
  synced : Synced config t.state (onDisk config origin (carryAll g t.effects))

/-- A turn whose state may be put on disk. -/
structure Unsaved (config : Config) (origin : Chain) (g : Trail) (t : Turn) : Prop
    extends Base config origin g t where
  ahead : Ahead config t.state (onDisk config origin (carryAll g t.effects))

variable {config : Config} {origin : Chain} {g : Trail} {t : Turn}

theorem Synced.ahead {s : State} {d : Option Durable} (h : Synced config s d)
    (w : Whole config s) : Ahead config s d := by
  refine ⟨?_, ?_, ?_⟩
  · intro e q he hq
    refine ⟨q, ?_, .inl rfl⟩
    rw [h.mine, he]
    exact hq
  · intro e l he hl
    rw [h.lock, he]
    exact hl
  · intro e l x he hl hx
    have hs : s.lock = some l := by rw [h.lock, he]; exact hl
    obtain ⟨c, hc⟩ := w.lockContent l hs
    obtain ⟨y, hy, hf⟩ := h.content l c hs hc
    rw [he] at hy
    cases hy
    rw [hx] at hf
    cases hf
    exact hc

theorem Steady.unsaved (h : Steady config origin g t) : Unsaved config origin g t :=
  ⟨h.toBase, h.synced.ahead h.whole⟩

/-! ### Quiet parts -/

theorem Quiet.mine {u : Turn} (q : Quiet config t u) :
    mine config u.state = mine config t.state := by
  unfold Quorum.mine
  rw [q.held]

theorem Whole.quiet {u : Turn} (h : Whole config t.state) (q : Quiet config t u) :
    Whole config u.state := by
  constructor
  · rw [q.started]; exact h.started
  · rw [q.lenP]; exact h.lenP
  · rw [q.lenC]; exact h.lenC
  · rw [q.candidates, q.chain]; exact h.follows
  · rw [q.held, q.mine, q.attempt]; exact h.present
  · rw [q.held, q.mine, q.attempt]; exact h.absent
  · rw [q.mine, q.candidates]; exact h.content
  · rw [q.lock, q.candidates]; exact h.lockContent
  · rw [q.proof, q.mine]; exact h.proof
  · rw [q.commit, q.lock, q.candidates]; exact h.commit

theorem Steady.quiet {u : Turn} (h : Steady config origin g t) (q : Quiet config t u) :
    Steady config origin g u := by
  obtain ⟨es, he, hq⟩ := q.effects
  have hr := h.traced.quiet hq
  rw [← he] at hr
  refine ⟨⟨hr.1, ?_, h.whole.quiet q⟩, ?_⟩
  · rw [q.chain, h.chain, same_chain hr.2]
  · rw [same_onDisk hr.2]
    refine ⟨?_, ?_, ?_⟩
    · rw [q.mine]; exact h.synced.mine
    · rw [q.lock]; exact h.synced.lock
    · rw [q.lock, q.candidates]; exact h.synced.content

/-! ### Pruning and the disk -/

theorem wants_mine {s : State} {p : SignedPrepare} (h : mine config s = some p) :
    wants (skeleton config s) p.digest = true := by
  simp [wants, skeleton, h]

theorem wants_lock {s : State} {l : Proof} (h : s.lock = some l) :
    wants (skeleton config s) l.digest = true := by
  simp [wants, skeleton, h]

theorem find_prune {s : State} {d : Digest} (h : wants (skeleton config s) d = true) :
    find config (prune config s).candidates d = find config s.candidates d := by
  refine find_filter config _ d (fun c hc => ?_) _
  rw [hc, h, Bool.or_true]

theorem find_durable {s : State} {d : Digest} (h : wants (skeleton config s) d = true) :
    find config (durable config s).candidates d = find config s.candidates d := by
  refine find_filter config _ d (fun c hc => ?_) _
  rw [hc, h]

theorem Whole.prune {s : State} (h : Whole config s) : Whole config (prune config s) := by
  refine ⟨h.started, h.lenP, h.lenC, ?_, h.present, h.absent, ?_, ?_, h.proof, ?_⟩
  · intro c hc
    exact h.follows c (List.mem_filter.mp hc).1
  · intro p hp
    obtain ⟨c, hc⟩ := h.content p hp
    exact ⟨c, by rw [find_prune (s := s) (wants_mine (s := s) hp), hc]⟩
  · intro l hl
    obtain ⟨c, hc⟩ := h.lockContent l hl
    exact ⟨c, by rw [find_prune (s := s) (wants_lock (s := s) hl), hc]⟩
  · intro k hk
    obtain ⟨l, c, hl, hc, hkc⟩ := h.commit k hk
    exact ⟨l, c, hl, by rw [find_prune (s := s) (wants_lock (s := s) hl), hc], hkc⟩

theorem Synced.prune {s : State} {d : Option Durable} (h : Synced config s d) :
    Synced config (prune config s) d := by
  refine ⟨h.mine, h.lock, ?_⟩
  intro l c hl hc
  rw [find_prune (s := s) (wants_lock (s := s) hl)] at hc
  exact h.content l c hl hc

theorem Ahead.prune {s : State} {d : Option Durable} (h : Ahead config s d) :
    Ahead config (prune config s) d := by
  refine ⟨h.mine, h.lock, ?_⟩
  intro e l x he hl hx
  rw [find_prune (s := s) (wants_lock (s := s) (h.lock e l he hl))]
  exact h.content e l x he hl hx

theorem Unsaved.persist (h : Unsaved config origin g t) :
    Steady config origin g (persist config t) := by
  have hh : (durable config t.state).height
      = (chainOf config origin (carryAll g t.effects)).height := by
    show t.state.chain.height = _
    rw [h.chain]
  have hlock : ∀ e l, onDisk config origin (carryAll g t.effects) = some e → e.lock = some l →
      (durable config t.state).lock = some l := h.ahead.lock
  have hdisk := onDisk_persist (config := config) (origin := origin) hh
  have hsnoc := carryAll_snoc g t.effects (.persist (durable config t.state))
  have htraced : Traced config origin g (Quorum.persist config t).effects := by
    refine h.traced.snoc (h.traced.now.1.persist hh ?_ h.ahead.mine) ?_
    · intro e l x he hl hx
      have hs := hlock e l he hl
      refine ⟨hs, ?_⟩
      rw [find_durable (wants_lock hs)]
      exact h.ahead.content e l x he hl hx
    · refine ⟨List.prefix_refl _, Nat.le_refl _, fun _ l hl => ?_⟩
      rw [hdisk]
      obtain ⟨e, he, hel⟩ := Option.bind_eq_some_iff.mp hl
      exact hlock e l he hel
  refine ⟨⟨htraced, ?_, h.whole⟩, ?_⟩
  · show t.state.chain = chainOf config origin (carryAll g (t.effects ++ [_]))
    rw [hsnoc]
    exact h.chain
  · show Synced config t.state (onDisk config origin (carryAll g (t.effects ++ [_])))
    rw [hsnoc, hdisk]
    refine ⟨rfl, rfl, ?_⟩
    intro l c hl hc
    exact ⟨_, rfl, by rw [find_durable (wants_lock hl), hc]⟩

theorem Steady.prune (h : Steady config origin g t) :
    Steady config origin g { t with state := prune config t.state } :=
  ⟨⟨h.traced, h.chain, h.whole.prune⟩, h.synced.prune⟩

theorem Unsaved.prune (h : Unsaved config origin g t) :
    Unsaved config origin g { t with state := prune config t.state } :=
  ⟨⟨h.traced, h.chain, h.whole.prune⟩, h.ahead.prune⟩

/-! ### Sending -/

theorem Later.send (g : Trail) (r : Option Member) (w : Wire) :
    Later config origin g (carry g (.send r w)) :=
  ⟨List.prefix_refl _, Nat.le_refl _, fun _ _ h => h⟩

theorem Steady.send (h : Steady config origin g t) {r : Option Member} {w : Wire}
    (hs : Sound config origin (carry (carryAll g t.effects) (.send r w))) :
    Steady config origin g (t.put (.send r w)) := by
  refine ⟨⟨h.traced.snoc hs (Later.send _ _ _), ?_, h.whole⟩, ?_⟩
  · show t.state.chain = chainOf config origin (carryAll g (t.effects ++ [_]))
    rw [carryAll_snoc]
    exact h.chain
  · show Synced config t.state (onDisk config origin (carryAll g (t.effects ++ [_])))
    rw [carryAll_snoc]
    exact h.synced

theorem Steady.sendPrepare (h : Steady config origin g t) :
    Steady config origin g (sendPrepare config t) := by
  unfold Quorum.sendPrepare
  split
  · exact h
  · rename_i p hp
    have hm := h.synced.mine
    rw [hp] at hm
    obtain ⟨d, hd, hdp⟩ := Option.bind_eq_some_iff.mp hm.symm
    refine h.send (h.traced.now.1.prepare none hd hdp ?_)
    show t.state.chain.height = _
    rw [h.chain]

theorem Steady.sendCommit (h : Steady config origin g t) :
    Steady config origin g (sendCommit config t) := by
  unfold Quorum.sendCommit
  split
  · exact h
  · rename_i k hk
    obtain ⟨l, c, hl, hc, hkc⟩ := h.whole.commit k hk
    obtain ⟨d, hd, hx⟩ := h.synced.content l c hl hc
    have hlock := h.synced.lock
    rw [hl, hd] at hlock
    obtain ⟨next, hn⟩ := Option.isSome_iff_exists.mp (h.whole.follows c (find_mem hc))
    refine h.send (h.traced.now.1.commit none hd hlock.symm hx hkc ?_)
    rw [← h.chain]
    exact (follow_some hn).1

theorem sendPrepare_state (config : Config) (t : Turn) :
    (sendPrepare config t).state = t.state := by
  unfold sendPrepare
  split <;> rfl

theorem sendCommit_state (config : Config) (t : Turn) :
    (sendCommit config t).state = t.state := by
  unfold sendCommit
  split <;> rfl

theorem Steady.resend (h : Steady config origin g t) : Steady config origin g (resend config t) :=
  h.sendPrepare.sendCommit

/-! ## Proofs, prepares and locks -/

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
