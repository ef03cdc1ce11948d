module

public import Omega.Spec.QuorumStep

/-! Lemmas: the parts of a step that leave alone what the safety of the quorum rests on, and the
contents that are found by their digest. -/

@[expose] public noncomputable section

namespace Omega.Quorum

theorem getD_set_ne {α : Type} (l : List α) (i j : Nat) (a d : α) (h : i ≠ j) :
    (l.set i a).getD j d = l.getD j d := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_set_ne h]

theorem getD_set_self {α : Type} (l : List α) (i : Nat) (a d : α) (h : i < l.length) :
    (l.set i a).getD i d = a := by
  simp only [List.getD_eq_getElem?_getD, List.getElem?_set_self h, Option.getD_some]

/-! ## Contents by their digest -/

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

/-! ## Quiet parts of a step -/

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

end Omega.Quorum
