module

public import Omega.Proof.QuorumTrail

/-! Lemmas: a member's state agrees with its disk before and after each part of a step. -/

@[expose] public noncomputable section

namespace Omega.Quorum

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

/-! ## Quiet parts -/

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

/-! ## Pruning and the disk -/

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

/-! ## Sending -/

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

end Omega.Quorum
