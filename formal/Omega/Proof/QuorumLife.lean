module

public import Omega.Proof.QuorumPrepare

/-! Lemmas: a member's state agrees with its disk after every message, crash and start. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t u : Turn}

/-! ## The end of a height -/

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

/-! ## Messages -/

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

end Omega.Quorum
