module

public import Omega.Spec.QuorumSafety

/-!
# The quorum: what a step leaves alone

The parts of a step that leave alone what the safety of the quorum rests on, and what lets a member
sign.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-! ## Contents, and quiet parts -/

theorem getD_set_ne {α : Type} (l : List α) (i j : Nat) (a d : α) (h : i ≠ j) :
    (l.set i a).getD j d = l.getD j d := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_set_ne h]

theorem getD_set_self {α : Type} (l : List α) (i : Nat) (a d : α) (h : i < l.length) :
    (l.set i a).getD i d = a := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_set_self h, Option.getD_some]

/-! ### Contents by their digest -/

theorem find_digest {config : Config} {l : List Content} {d : Digest} {c : Content}
    (h : find config l d = some c) : digestOf config c = d := by
  have := List.find?_some h
  simpa using this

theorem find_mem {config : Config} {l : List Content} {d : Digest} {c : Content}
    (h : find config l d = some c) : c ∈ l := List.mem_of_find?_eq_some h

theorem find_filter (config : Config) (p : Content → Bool) (d : Digest)
    (h : ∀ c, digestOf config c = d → p c = true) (l : List Content) :
    find config (l.filter p) d = find config l d := by
  unfold find
  induction l with
  | nil => rfl
  | cons c l ih =>
    by_cases hc : digestOf config c = d
    · have hp := h c hc
      simp only [List.filter_cons, hp, if_true, List.find?_cons, hc, beq_self_eq_true]
    · have hb : (digestOf config c == d) = false := by simpa using hc
      by_cases hp : p c = true
      · simp only [List.filter_cons, hp, if_true, List.find?_cons, hb, ih]
      · simp only [List.filter_cons, hp, if_false, List.find?_cons, hb, ih, Bool.false_eq_true]

theorem find_place (config : Config) (c : Content) (d : Digest) (h : digestOf config c ≠ d)
    (l : List Content) : find config (place config c l) d = find config l d := by
  have hb : (digestOf config c == d) = false := by simpa using h
  induction l with
  | nil => simp only [place, find, List.find?_cons, hb]
  | cons x l ih =>
    unfold place
    split
    · simp only [find, List.find?_cons, hb]
    · unfold find at ih ⊢
      simp only [List.find?_cons, ih]

theorem find_insert {config : Config} {l : List Content} {d : Digest} {x : Content} (c : Content)
    (h : find config l d = some x) : find config (insert config l c) d = some x := by
  unfold insert
  split
  · exact h
  · rename_i hn
    have hne : digestOf config c ≠ d := by
      intro he
      rw [he, h] at hn
      exact hn rfl
    rw [find_place config c d hne, h]

theorem mem_place {config : Config} {c x : Content} :
    ∀ {l : List Content}, x ∈ place config c l → x = c ∨ x ∈ l
  | [], h => by
    simp only [place, List.mem_singleton] at h
    exact .inl h
  | y :: l, h => by
    unfold place at h
    split at h
    · simpa only [List.mem_cons] using h
    · simp only [List.mem_cons] at h ⊢
      cases h with
      | inl h => exact .inr (.inl h)
      | inr h =>
        cases mem_place h with
        | inl h => exact .inl h
        | inr h => exact .inr (.inr h)

theorem mem_insert {config : Config} {c x : Content} {l : List Content}
    (h : x ∈ insert config l c) : x = c ∨ x ∈ l := by
  unfold insert at h
  split at h
  · exact .inr h
  · exact mem_place h

/-! ### Quiet parts of a step -/

/-- Whether an effect neither reaches the disk nor shows a prepare or commit. -/
def quietEffect : Effect → Bool
  | .persist _ | .append _ | .send _ (.prepare _) | .send _ (.commit _) => false
  | _ => true

/-- Between two turns nothing has happened to what the member itself has signed, locked or put on
disk. -/
structure Quiet (config : Config) (t u : Turn) : Prop where
  chain : u.state.chain = t.state.chain
  started : u.state.started = t.state.started
  nonce : u.state.nonce = t.state.nonce
  answered : u.state.answered = t.state.answered
  attempt : u.state.attempt = t.state.attempt
  candidates : u.state.candidates = t.state.candidates
  proof : u.state.proof = t.state.proof
  lock : u.state.lock = t.state.lock
  lenP : u.state.prepares.length = t.state.prepares.length
  lenC : u.state.commits.length = t.state.commits.length
  held : u.state.held config.self = t.state.held config.self
  commit : u.state.commit config.self = t.state.commit config.self
  effects : ∃ es, u.effects = t.effects ++ es ∧ ∀ e ∈ es, quietEffect e = true

namespace Quiet

variable {config : Config}

theorem refl (t : Turn) : Quiet config t t :=
  ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, [], by simp, by simp⟩

theorem trans {t u v : Turn} (a : Quiet config t u) (b : Quiet config u v) : Quiet config t v := by
  obtain ⟨xs, hx, qx⟩ := a.effects
  obtain ⟨ys, hy, qy⟩ := b.effects
  refine ⟨b.chain.trans a.chain, b.started.trans a.started, b.nonce.trans a.nonce,
    b.answered.trans a.answered, b.attempt.trans a.attempt, b.candidates.trans a.candidates,
    b.proof.trans a.proof, b.lock.trans a.lock, b.lenP.trans a.lenP, b.lenC.trans a.lenC,
    b.held.trans a.held, b.commit.trans a.commit, xs ++ ys, ?_, ?_⟩
  · rw [hy, hx, List.append_assoc]
  · intro e he
    cases List.mem_append.mp he with
    | inl h => exact qx e h
    | inr h => exact qy e h

theorem put (t : Turn) {e : Effect} (h : quietEffect e = true) : Quiet config t (t.put e) :=
  ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, [e], rfl, by simpa using h⟩

theorem setHeld {i : Nat} (h : i ≠ config.self) (x : Held) (t : Turn) :
    Quiet config t (setHeld i x t) :=
  ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, List.length_set, rfl,
    getD_set_ne _ _ _ _ _ h, rfl, [], by simp [Quorum.setHeld], by simp⟩

theorem setCommit {i : Nat} (h : i ≠ config.self) (x : SignedCommit) (t : Turn) :
    Quiet config t (setCommit i x t) :=
  ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, List.length_set,
    rfl, getD_set_ne _ _ _ _ _ h, [], by simp [Quorum.setCommit], by simp⟩

theorem halt (r : Reason) (w : Wire) (t : Turn) : Quiet config t (halt config r w t) :=
  ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, _, rfl, by simp [quietEffect]⟩

theorem disowned (p : SignedPrepare) (t : Turn) : Quiet config t (disowned config p t) := by
  unfold Quorum.disowned
  split
  · exact halt _ _ _
  · exact refl t

theorem disownedCommit (c : SignedCommit) (t : Turn) :
    Quiet config t (disownedCommit config c t) := by
  unfold Quorum.disownedCommit
  split
  · exact refl t
  · exact halt _ _ _

theorem accuse (e : Evidence) (t : Turn) : Quiet config t (accuse e t).1 := by
  unfold Quorum.accuse
  split
  · exact refl t
  · exact ⟨rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, rfl, [.evidence e], rfl,
      by simp [quietEffect]⟩

theorem compare (i : Member) (a b : SignedPrepare) (t : Turn) :
    Quiet config t (compare config i a b t).1 := by
  unfold Quorum.compare
  split
  · exact refl t
  · exact accuse _ _

theorem holdNewest {i : Nat} (h : i ≠ config.self) (p : SignedPrepare) (t : Turn) :
    Quiet config t (holdNewest config i p t).1 := by
  unfold Quorum.holdNewest
  dsimp only
  split
  · exact setHeld h _ _
  · split
    · exact setHeld h _ _
    · split
      · exact compare _ _ _ _
      · exact refl t

theorem holdCurrent {i : Nat} (h : i ≠ config.self) (p : SignedPrepare) (t : Turn) :
    Quiet config t (holdCurrent config i p t).1 := by
  unfold Quorum.holdCurrent
  dsimp only
  split
  · split
    · exact setHeld h _ _
    · exact compare _ _ _ _
  · exact refl t

theorem holdPrepare (i : Nat) (p : SignedPrepare) (t : Turn) :
    Quiet config t (holdPrepare config i p t).1 := by
  unfold Quorum.holdPrepare
  split
  · exact disowned _ _
  · rename_i h
    exact (holdNewest h _ _).trans (holdCurrent h _ _)

theorem holdCommit (i : Nat) (c : SignedCommit) (t : Turn) :
    Quiet config t (holdCommit config i c t) := by
  unfold Quorum.holdCommit
  split
  · exact disownedCommit _ _
  · rename_i h
    split
    · exact setCommit h _ _
    · split
      · exact refl t
      · exact accuse _ _

theorem foldl {α : Type} (f : Turn → α → Turn) (h : ∀ t i, Quiet config t (f t i)) :
    ∀ (l : List α) (t : Turn), Quiet config t (l.foldl f t)
  | [], t => refl t
  | i :: l, t => (h t i).trans (foldl f h l (f t i))

theorem holdParts (p : Proof) (t : Turn) : Quiet config t (holdParts config p t) :=
  foldl _ (fun t i => holdPrepare i _ t) _ t

theorem resync (i : Option Member) (t : Turn) : Quiet config t (resync config i t) :=
  put t rfl

theorem askSilent (t : Turn) : Quiet config t (askSilent config t) := by
  refine foldl _ (fun t i => ?_) _ t
  split
  · exact refl t
  · exact resync _ _

theorem elsewhere (i : Member) (h : Nat) (t : Turn) : Quiet config t (elsewhere config i h t) := by
  unfold Quorum.elsewhere
  split
  · exact refl t
  · split
    · exact put t rfl
    · exact (put t rfl).trans (resync _ _)

theorem comparePast {c : Certificate} {t u : Turn} (h : comparePast config c t = .ok u) :
    Quiet config t u := by
  unfold Quorum.comparePast at h
  split at h
  · cases h
  · split at h
    · cases h; exact refl t
    · split at h
      · cases h
      · cases h; exact halt _ _ _

theorem onResync {m : Resync} {t u : Turn} (h : onResync config m t = .ok u) :
    Quiet config t u := by
  unfold Quorum.onResync at h
  split at h
  · cases h
  · split at h
    · cases h
    · split at h
      · cases h; exact refl t
      · split at h
        · cases h; exact elsewhere _ _ _
        · cases h; exact put t rfl

theorem compareReply (m : Reply) (t : Turn) : Quiet config t (compareReply config m t) := by
  unfold Quorum.compareReply
  split
  · split
    · exact disowned _ _
    · exact disownedCommit _ _
  · exact disowned _ _
  · exact disownedCommit _ _
  · exact refl t

theorem askContent (s : State) (m : Message) (t : Turn) :
    Quiet config t (askContent config s m t) := by
  unfold Quorum.askContent
  split
  · exact refl t
  · rename_i e he
    split
    · refine put t ?_
      unfold need at he
      split at he
      · cases he; rfl
      · cases he
    · exact refl t

end Quiet

variable {config : Config} {t u : Turn}

/-!
## Being ready

A member that is not ready sends no prepare and no commit, and only a peer's own reply counts as its
answer.
-/

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

/-! ### Silence -/

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
