module

public import Omega.Spec.QuorumSafety
public import Omega.Proof.QuorumLocked

/-! # Proofs of what the quorum promises -/

@[expose] public noncomputable section

namespace Omega

open Quorum

/-! ## The step -/

theorem Proof.a_refused_message_changes_nothing : Claim.a_refused_message_changes_nothing := by
  intro config s m r h
  cases step_turn config s m with
  | inl hr =>
    obtain ⟨x, hr⟩ := hr
    rw [hr]
    exact ⟨rfl, rfl⟩
  | inr ht =>
    obtain ⟨t, _, hr⟩ := ht
    rw [hr] at h
    cases h

theorem Witness.a_refused_message_changes_nothing :
    ∃ (config : Config) (s : State) (m : Message) (r : Refusal),
      ∃ (_ : (step config s m).refusal = some r), True :=
  ⟨Example.config 0, (run (Example.config 0) Example.origin (Example.opening 0)).state,
    .candidate 1 Example.content, .wrongAttempt, by decide +kernel, trivial⟩

theorem Proof.a_halted_member_does_nothing : Claim.a_halted_member_does_nothing := by
  intro config s m h
  unfold step
  have ha : admit s m = some .halted := by
    unfold admit
    rw [if_pos h]
  rw [ha]

/-- A member halts where it is shown a vote of its own that it knows nothing of. -/
theorem Witness.a_halted_member_does_nothing :
    ∃ (_ : Config) (s : State) (_ : Message), ∃ (_ : s.halted.isSome = true), True :=
  ⟨Example.config 0, (run (Example.config 0) Example.origin
    (Example.opening 0 ++ [⟨.wire (Example.commit 0), none⟩])).state, .tick, by decide +kernel,
    trivial⟩

theorem Proof.a_member_that_is_not_ready_signs_nothing :
    Claim.a_member_that_is_not_ready_signs_nothing := by
  intro config s m e he hs
  cases step_turn config s m with
  | inl hr =>
    obtain ⟨r, hr⟩ := hr
    rw [hr] at he
    cases he
  | inr ht =>
    obtain ⟨t, ht, hr⟩ := ht
    rw [hr] at he ⊢
    have hsilent : Silent (Turn.mk s []) := fun _ hc => by cases hc
    have hg : Silent t ∨ Full t.state := by
      cases apply_fair hsilent ht with
      | inl hf => exact hf.1
      | inr hf =>
        obtain ⟨_, _, hg, _⟩ := hf
        exact hg
    cases hg with
    | inl hg =>
      have := hg.quiet (Quiet.askContent (config := config) s m t) e he
      rw [hs] at this
      cases this
    | inr hg =>
      show Full (askContent config s m t).state
      rw [askContent_state]
      exact hg

theorem Witness.a_member_that_is_not_ready_signs_nothing :
    ∃ (config : Config) (s : State) (m : Message) (e : Effect),
      ∃ (_ : e ∈ (step config s m).effects), ∃ (_ : signs e = true), True :=
  ⟨Example.config 0, (run (Example.config 0) Example.origin (Example.opening 0)).state,
    .candidate 0 Example.content, .send none (Example.prepare 0), by decide +kernel, rfl, trivial⟩

theorem Proof.a_peer_has_answered_only_by_its_signed_reply :
    Claim.a_peer_has_answered_only_by_its_signed_reply := by
  intro config s m peer hne hbefore hafter
  cases step_turn config s m with
  | inl hr =>
    obtain ⟨r, hr⟩ := hr
    rw [hr, hbefore] at hafter
    cases hafter
  | inr ht =>
    obtain ⟨t, ht, hr⟩ := ht
    rw [hr] at hafter
    have hafter : (askContent config s m t).state.answered.getD peer false = true := hafter
    rw [askContent_state] at hafter
    have hsilent : Silent (Turn.mk s []) := fun _ hc => by cases hc
    cases apply_fair hsilent ht with
    | inl hf =>
      exfalso
      cases hf.2 with
      | inl ha =>
        rw [ha] at hafter
        have hafter : s.answered.getD peer false = true := hafter
        rw [hbefore] at hafter
        cases hafter
      | inr ha =>
        rw [ha] at hafter
        unfold onlySelf at hafter
        rw [getD_set_ne _ _ _ _ _ (Ne.symm hne)] at hafter
        simp only [List.getD_eq_getElem?_getD, List.getElem?_replicate] at hafter
        split at hafter <;> cases hafter
    | inr hf =>
      obtain ⟨r, hm, _, ha, hc⟩ := hf
      have hsender : r.sender = peer := by
        refine Decidable.byContradiction (fun hn => ?_)
        rw [ha, getD_set_ne _ _ _ _ _ hn] at hafter
        have hafter : s.answered.getD peer false = true := hafter
        rw [hbefore] at hafter
        cases hafter
      obtain ⟨h1, h2, h3, h4, h5⟩ := checkReply_none hc
      rw [h1, h2, h3, h4, hsender] at h5
      exact ⟨r, hm, hsender, h2, h3, h4, h5⟩

theorem Witness.a_peer_has_answered_only_by_its_signed_reply :
    ∃ (config : Config) (s : State) (m : Message) (peer : Member),
      ∃ (_ : peer ≠ config.self), ∃ (_ : s.answered.getD peer false = false),
      ∃ (_ : (step config s m).state.answered.getD peer false = true), True :=
  ⟨Example.config 0, (run (Example.config 0) Example.origin [⟨.start none 10, none⟩]).state,
    .wire (Example.reply 2 0), 2, by decide +kernel, by decide +kernel, by decide +kernel, trivial⟩

/-! ## A member's life -/

theorem Proof.commits_of_one_height_are_equal : Claim.commits_of_one_height_are_equal := by
  intro config origin inputs a b ha hb h
  exact (alive_run config origin inputs).sound.commitOnce a b ha hb h

/-- A member that commits, crashes and commits again. -/
theorem Witness.commits_of_one_height_are_equal :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (a b : SignedCommit),
      ∃ (_ : a ∈ commitsIn (run config origin inputs).trail.sent),
      ∃ (_ : b ∈ commitsIn (run config origin inputs).trail.sent),
      ∃ (_ : a.envelope.height = b.envelope.height), True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, Example.signedCommit 0,
    Example.signedCommit 0, by decide +kernel, by decide +kernel, rfl, trivial⟩

theorem Proof.prepares_of_one_attempt_are_equal : Claim.prepares_of_one_attempt_are_equal := by
  intro config origin inputs height a b ha hb h
  exact (alive_run config origin inputs).sound.prepareOnce (height, a) (height, b) ha hb rfl h

theorem Witness.prepares_of_one_attempt_are_equal :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (height : Nat)
      (a b : SignedPrepare),
      ∃ (_ : (height, a) ∈ preparesIn (run config origin inputs).trail.sent),
      ∃ (_ : (height, b) ∈ preparesIn (run config origin inputs).trail.sent),
      ∃ (_ : a.attempt = b.attempt), True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, 1, Example.signedPrepare 0,
    Example.signedPrepare 0, by decide +kernel, by decide +kernel, rfl, trivial⟩

theorem lockOnDisk_now (config : Config) (origin : Chain) (g : Trail) :
    lockOnDisk g (chainAfter config origin g.log).height
      = (onDisk config origin g).bind (·.lock) := rfl

theorem Proof.a_commit_leaves_after_its_lock_is_on_disk :
    Claim.a_commit_leaves_after_its_lock_is_on_disk := by
  intro config origin inputs c hc hle
  have hs := (alive_run config origin inputs).sound
  have heq : c.envelope.height
      = (chainAfter config origin (run config origin inputs).trail.log).height :=
    Nat.le_antisymm (hs.commits c hc) hle
  obtain ⟨d, l, x, hd, hl, hx, rfl⟩ := hs.commitNow c hc heq
  refine ⟨l, ?_, (find_digest hx).symm⟩
  rw [heq, lockOnDisk_now, hd]
  exact hl

theorem Witness.a_commit_leaves_after_its_lock_is_on_disk :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (c : SignedCommit),
      ∃ (_ : c ∈ commitsIn (run config origin inputs).trail.sent),
      ∃ (_ : (chainAfter config origin (run config origin inputs).trail.log).height
        ≤ c.envelope.height), True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, Example.signedCommit 0,
    by decide +kernel, by decide +kernel, trivial⟩

theorem Proof.a_prepare_leaves_after_it_is_on_disk :
    Claim.a_prepare_leaves_after_it_is_on_disk := by
  intro config origin inputs height p hp hle
  have hs := (alive_run config origin inputs).sound
  have heq : height = (chainAfter config origin (run config origin inputs).trail.log).height :=
    Nat.le_antisymm (hs.prepares (height, p) hp) hle
  obtain ⟨d, q, hd, hq, hcase⟩ := hs.prepareNow (height, p) hp heq
  obtain ⟨h1, h2⟩ := onDisk_some.mp hd
  exact ⟨d, q, h1, h2.trans heq.symm, hq, hcase⟩

theorem Witness.a_prepare_leaves_after_it_is_on_disk :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (height : Nat) (p : SignedPrepare),
      ∃ (_ : (height, p) ∈ preparesIn (run config origin inputs).trail.sent),
      ∃ (_ : (chainAfter config origin (run config origin inputs).trail.log).height ≤ height),
        True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, 1, Example.signedPrepare 0,
    by decide +kernel, by decide +kernel, trivial⟩

theorem Proof.a_lock_on_disk_never_changes : Claim.a_lock_on_disk_never_changes := by
  intro config origin inputs more l hl hh
  have ha := alive_run config origin inputs
  have hlater := (ha.runFrom more).2
  rw [← run_append] at hlater
  rw [lockOnDisk_now] at hl
  rw [← hh, lockOnDisk_now]
  exact hlater.lock hh l hl

/-- A member that locks, crashes, starts, and goes to the next attempt. -/
theorem Witness.a_lock_on_disk_never_changes :
    ∃ (config : Config) (origin : Chain) (inputs more : List Input) (lock : Proof),
      ∃ (_ : lockOnDisk (run config origin inputs).trail
        (chainAfter config origin (run config origin inputs).trail.log).height = some lock),
      ∃ (_ : (chainAfter config origin (run config origin (inputs ++ more)).trail.log).height
        = (chainAfter config origin (run config origin inputs).trail.log).height), True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, [⟨.timeout, none⟩], Example.proof,
    by decide +kernel, by decide +kernel, trivial⟩

theorem Proof.the_log_only_grows : Claim.the_log_only_grows := by
  intro config origin inputs more
  have hlater := ((alive_run config origin inputs).runFrom more).2
  rw [← run_append] at hlater
  exact hlater.log

theorem Witness.the_log_only_grows :
    ∃ (_ : Config) (_ : Chain) (_ _ : List Input), True :=
  ⟨Example.config 0, Example.origin, Example.locking 0, Example.commits 0, trivial⟩

theorem Proof.appended_certificates_follow_the_chain :
    Claim.appended_certificates_follow_the_chain := by
  intro config origin inputs
  exact (alive_run config origin inputs).sound.log

theorem Witness.appended_certificates_follow_the_chain :
    ∃ (_ : Config) (_ : Chain) (_ : List Input), True :=
  ⟨Example.config 0, Example.origin, Example.locking 0 ++ Example.commits 0, trivial⟩

theorem votes_of_all {config : Config} {c : Certificate} (h : votesVerify config c = true) :
    c.signatures.length = config.members ∧ ∀ i, i < config.members →
      verifyVote config i ⟨c.content.envelope, c.signatures.getD i 0⟩ = true := by
  unfold votesVerify at h
  simp only [Bool.and_eq_true, beq_iff_eq] at h
  exact ⟨h.1, fun i hi => List.all_eq_true.mp h.2 i (List.mem_range.mpr hi)⟩

theorem Proof.an_appended_certificate_has_all_votes :
    Claim.an_appended_certificate_has_all_votes := by
  intro config origin inputs c hs hc
  exact votes_of_all ((safe_run hs origin inputs).log c hc)

theorem example_signs (i : Fin 3) : Signs (Example.config i) :=
  fun _ => beq_self_eq_true _

theorem Witness.an_appended_certificate_has_all_votes :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (c : Certificate),
      ∃ (_ : Signs config), ∃ (_ : c ∈ (run config origin inputs).trail.log), True :=
  ⟨Example.config 0, Example.origin, Example.locking 0 ++ Example.commits 0,
    Example.certify Example.content, example_signs 0, by decide +kernel, trivial⟩

theorem Proof.a_lock_is_of_n_equal_prepares_of_the_attempt :
    Claim.a_lock_is_of_n_equal_prepares_of_the_attempt := by
  intro config origin inputs m l hs hm hnone hl
  have hsafe := safe_run hs origin inputs
  have hbring : bring (run config origin inputs).trail.disk m = m := by
    cases m with
    | start d n => cases hm
    | _ => rfl
  have hsure := step_sure hs hsafe m
  rw [hbring] at hsure
  have hfits : LockFits config (step config (run config origin inputs).state m).state := by
    cases step_turn config (run config origin inputs).state m with
    | inl hr =>
      obtain ⟨r, hr⟩ := hr
      rw [hr]
      exact fits_none hnone
    | inr ht =>
      obtain ⟨t, ht, hr⟩ := ht
      rw [hr]
      show LockFits config (askContent _ _ _ t).state
      rw [askContent_state]
      cases hsafe.alive.now with
      | inl hb =>
        exfalso
        rw [hb] at hr
        cases m with
        | start d n => cases hm
        | _ =>
          exact nomatch (show (some Refusal.notStarted : Option Refusal) = none from
            congrArg Outcome.refusal hr)
      | inr hst => exact apply_fits hst hnone hm ht
  have hv : Verified config (step config (run config origin inputs).state m).state := by
    cases hsure with
    | inl hr =>
      obtain ⟨r, hr⟩ := hr
      rw [hr]
      exact hsafe.state
    | inr ht =>
      obtain ⟨t, ht, hr⟩ := ht
      rw [hr]
      exact ht.state
  obtain ⟨hatt, hall⟩ := hfits l hl
  refine ⟨hatt, hv.lock l hl, fun i hi => ?_⟩
  obtain ⟨p, hp, hd⟩ := hall i hi
  have hf := (hv.held i hi).2 p hp
  exact ⟨p, hp, hf.2.trans hatt.symm, hd, hf.1⟩

/-- The last prepare comes. -/
theorem Witness.a_lock_is_of_n_equal_prepares_of_the_attempt :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (m : Message) (lock : Proof),
      ∃ (_ : Signs config), ∃ (_ : isStart m = false),
      ∃ (_ : (run config origin inputs).state.lock = none),
      ∃ (_ : (step config (run config origin inputs).state m).state.lock = some lock), True :=
  ⟨Example.config 0, Example.origin,
    Example.opening 0 ++
      [⟨.candidate 0 Example.content, none⟩, ⟨.wire (Example.prepare 1), none⟩],
    .wire (Example.prepare 2), Example.proof, example_signs 0, rfl, by decide +kernel,
    by decide +kernel, trivial⟩

/-! ## Forks -/

theorem Proof.a_fork_blames_every_member : Claim.a_fork_blames_every_member := by
  intro config a b i ha hb hh hne hi
  obtain ⟨hla, hva⟩ := votes_of_all ha
  obtain ⟨hlb, hvb⟩ := votes_of_all hb
  refine ⟨⟨a.content.envelope, a.signatures.getD i 0⟩, ⟨b.content.envelope, b.signatures.getD i 0⟩,
    ?_, ?_, hh, hne, hva i hi, hvb i hi⟩
  · exact getD_mem (by rw [hla]; exact hi)
  · exact getD_mem (by rw [hlb]; exact hi)

theorem Witness.a_fork_blames_every_member :
    ∃ (config : Config) (a b : Certificate) (i : Member),
      ∃ (_ : votesVerify config a = true), ∃ (_ : votesVerify config b = true),
      ∃ (_ : a.content.envelope.height = b.content.envelope.height),
      ∃ (_ : a.content.envelope ≠ b.content.envelope), ∃ (_ : i < config.members), True :=
  ⟨Example.config 0, Example.certify Example.content, Example.certify Example.other, 2,
    by decide +kernel, by decide +kernel, by decide +kernel, by decide +kernel, by decide +kernel,
    trivial⟩

theorem Proof.one_honest_member_makes_a_fork_impossible :
    Claim.one_honest_member_makes_a_fork_impossible := by
  intro config origin inputs a b x y hx hxa hy hyb hh
  by_cases h1 : x.envelope = a.content.envelope
  · by_cases h2 : y.envelope = b.content.envelope
    · left
      have hxy := (alive_run config origin inputs).sound.commitOnce x y hx hy
        (by rw [h1, h2]; exact hh)
      rw [← h1, ← h2, hxy]
    · exact .inr (.inr ⟨h2, hyb⟩)
  · exact .inr (.inl ⟨h1, hxa⟩)

theorem Witness.one_honest_member_makes_a_fork_impossible :
    ∃ (config : Config) (origin : Chain) (inputs : List Input) (a b : Certificate)
      (x y : SignedCommit),
      ∃ (_ : x ∈ commitsIn (run config origin inputs).trail.sent),
      ∃ (_ : config.hash x.envelope = config.hash a.content.envelope),
      ∃ (_ : y ∈ commitsIn (run config origin inputs).trail.sent),
      ∃ (_ : config.hash y.envelope = config.hash b.content.envelope),
      ∃ (_ : a.content.envelope.height = b.content.envelope.height), True :=
  ⟨Example.config 0, Example.origin, Example.crashing 0, Example.certify Example.content,
    Example.certify Example.content, Example.signedCommit 0, Example.signedCommit 0,
    by decide +kernel, rfl, by decide +kernel, rfl, rfl, trivial⟩

/-! ## The loop of a step ends after three attempts at the latest -/

namespace Quorum

variable {config : Config} {t u : Turn}

theorem prepare_fields (h : prepare config t = some u) :
    u.state.attempt = t.state.attempt ∧
    u.state.prepares.length = t.state.prepares.length ∧
    ∀ j, j ≠ config.self.val → u.state.held j = t.state.held j := by
  unfold prepare at h
  split at h
  · cases h; exact ⟨rfl, rfl, fun _ _ => rfl⟩
  · split at h
    · cases h
    · split at h
      · cases h
        unfold prepareFor
        dsimp only
        rw [sendPrepare_state]
        exact ⟨rfl, List.length_set, fun j hj => getD_set_ne _ _ _ _ _ (Ne.symm hj)⟩
      · cases h

theorem prepare_mine (h : prepare config t = some u)
    (hl : t.state.prepares.length = config.members)
    (hm : ∀ p, (t.state.held config.self).current = some p → mine config t.state = some p)
    (p : SignedPrepare) (hp : (u.state.held config.self).current = some p) :
    mine config u.state = some p := by
  unfold prepare at h
  split at h
  · cases h; exact hm p hp
  · split at h
    · cases h
    · split at h
      · cases h
        unfold prepareFor at hp ⊢
        dsimp only at hp ⊢
        rw [sendPrepare_state] at hp ⊢
        have hset := fun x => getD_set_self t.state.prepares config.self x ({} : Held)
          (by rw [hl]; exact config.self.isLt)
        have h1 := (congrArg Held.current (hset _)).symm.trans hp
        exact (congrArg Held.newest (hset _)).trans h1
      · cases h

theorem not_allHeld {s : State} {j : Nat} (hj : j < s.prepares.length)
    (hn : (s.held j).current = none) : allHeld s = false := by
  cases ha : allHeld s with
  | false => rfl
  | true =>
    have hmem : s.held j ∈ s.prepares := by
      unfold State.held
      simp only [List.getD_eq_getElem?_getD, List.getElem?_eq_getElem hj, Option.getD_some]
      exact List.getElem_mem hj
    have := List.all_eq_true.mp ha _ hmem
    rw [hn] at this
    cases this

theorem rounds_succ (n : Nat) (t : Turn) : rounds config (n + 1) t =
    match prepare config t with
    | none => t
    | some t =>
      match mine config t.state with
      | none => t
      | some own =>
        if !allHeld t.state then t
        else if allFor t.state own.digest then lock config own.digest t
        else rounds config n (advance config t) := rfl

/-- An attempt either ends the loop, or all prepares are held and differ. -/
theorem rounds_step (config : Config) (t : Turn) :
    (∃ v, ∀ n, rounds config (n + 1) t = v) ∨
    ∃ u own, prepare config t = some u ∧ mine config u.state = some own ∧
      allHeld u.state = true ∧ allFor u.state own.digest = false ∧
      ∀ n, rounds config (n + 1) t = rounds config n (advance config u) := by
  cases hp : prepare config t with
  | none => exact .inl ⟨t, fun n => by rw [rounds_succ, hp]⟩
  | some u =>
    cases hm : mine config u.state with
    | none => exact .inl ⟨u, fun n => by rw [rounds_succ, hp]; dsimp only; rw [hm]⟩
    | some own =>
      cases ha : allHeld u.state with
      | false =>
        exact .inl ⟨u, fun n => by
          rw [rounds_succ, hp]
          dsimp only
          rw [hm]
          dsimp only
          rw [if_pos (by simp [ha])]⟩
      | true =>
        cases hd : allFor u.state own.digest with
        | true =>
          exact .inl ⟨lock config own.digest u, fun n => by
            rw [rounds_succ, hp]
            dsimp only
            rw [hm]
            dsimp only
            rw [if_neg (by simp [ha]), if_pos hd]⟩
        | false =>
          exact .inr ⟨u, own, rfl, hm, ha, hd, fun n => by
            rw [rounds_succ, hp]
            dsimp only
            rw [hm]
            dsimp only
            rw [if_neg (by simp [ha]), if_neg (by simp [hd])]⟩

theorem rounds_third {j : Nat} (hj : j < t.state.prepares.length) (hne : j ≠ config.self.val)
    (hn : (t.state.held j).current = none) : ∃ v, ∀ n, rounds config (n + 1) t = v := by
  cases rounds_step config t with
  | inl h => exact h
  | inr h =>
    obtain ⟨u, _, hp, _, ha, _, _⟩ := h
    obtain ⟨_, h2, h3⟩ := prepare_fields hp
    rw [not_allHeld (j := j) (by rw [h2]; exact hj) (by rw [h3 j hne]; exact hn)] at ha
    cases ha

theorem advance_held (t : Turn) (j : Nat) :
    (advance config t).state.held j = { t.state.held j with
      current := (t.state.held j).newest.filter (·.attempt == t.state.attempt + 1) } :=
  held_map _ rfl _ j

theorem advance_length (t : Turn) :
    (advance config t).state.prepares.length = t.state.prepares.length :=
  List.length_map ..

theorem rounds_second {j : Nat} (hj : j < t.state.prepares.length) (hne : j ≠ config.self.val)
    (hc : (t.state.held j).current
      = (t.state.held j).newest.filter (·.attempt == t.state.attempt)) :
    ∃ v, ∀ n, rounds config (n + 2) t = v := by
  cases rounds_step config t with
  | inl h =>
    obtain ⟨v, h⟩ := h
    exact ⟨v, fun n => h (n + 1)⟩
  | inr h =>
    obtain ⟨u, _, hp, _, ha, _, hr⟩ := h
    obtain ⟨h1, h2, h3⟩ := prepare_fields hp
    have hju : j < u.state.prepares.length := by rw [h2]; exact hj
    have hnone : ((advance config u).state.held j).current = none := by
      rw [advance_held, h3 j hne, h1]
      cases hq : (t.state.held j).newest with
      | none => rfl
      | some q =>
        rw [hq] at hc
        have hqa : q.attempt = t.state.attempt := by
          refine Decidable.byContradiction (fun hn => ?_)
          have hb : (q.attempt == t.state.attempt) = false := beq_false_of_ne hn
          have hcur : (u.state.held j).current = none := by
            rw [h3 j hne, hc]
            simp only [Option.filter, hb, Bool.false_eq_true, if_false]
          rw [not_allHeld hju hcur] at ha
          cases ha
        have hb : (q.attempt == t.state.attempt + 1) = false :=
          beq_false_of_ne (by omega)
        simp only [Option.filter, hb, Bool.false_eq_true, if_false]
    obtain ⟨v, hv⟩ := rounds_third (t := advance config u)
      (by rw [advance_length]; exact hju) hne hnone
    exact ⟨v, fun n => (hr (n + 1)).trans (hv n)⟩

end Quorum

theorem Proof.three_attempts_a_step_are_enough : Claim.three_attempts_a_step_are_enough := by
  intro config t more hl hmine
  cases rounds_step config t with
  | inl h =>
    obtain ⟨v, h⟩ := h
    exact (h (more + 2)).trans (h 2).symm
  | inr h =>
    obtain ⟨u, own, hp, hm, ha, hd, hr⟩ := h
    obtain ⟨h1, h2, h3⟩ := prepare_fields hp
    have hj : ∃ j, j < config.members ∧ j ≠ config.self.val := by
      have hself := config.self.isLt
      refine Decidable.byContradiction (fun hno => ?_)
      have hone : config.members = 1 := by
        refine Decidable.byContradiction (fun hne => hno ?_)
        by_cases h0 : config.self.val = 0
        · exact ⟨1, by omega, by omega⟩
        · exact ⟨0, by omega, by omega⟩
      have hfor : allFor u.state own.digest = true := by
        refine List.all_eq_true.mpr (fun x hx => ?_)
        have hlen : u.state.prepares.length = 1 := by rw [h2, hl, hone]
        have hx : x = u.state.held config.self := by
          obtain ⟨i, hi, he⟩ := List.getElem_of_mem hx
          have hi0 : config.self.val = i := by omega
          unfold State.held
          rw [hi0, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem hi, Option.getD_some, he]
        rw [hx]
        cases hc : (u.state.held config.self).current with
        | none => rfl
        | some p =>
          have := prepare_mine hp hl hmine p hc
          rw [hm] at this
          cases this
          exact beq_self_eq_true _
      rw [hd] at hfor
      cases hfor
    obtain ⟨j, hj, hne⟩ := hj
    obtain ⟨v, hv⟩ := rounds_second (t := advance config u)
      (by rw [advance_length, h2, hl]; exact hj) hne (by rw [advance_held]; rfl)
    exact ((hr (more + 2)).trans (hv more)).trans ((hr 2).trans (hv 0)).symm

/-- A member that is locked goes on. -/
theorem Witness.three_attempts_a_step_are_enough :
    ∃ (config : Config) (t : Turn) (_ : Nat),
      ∃ (_ : t.state.prepares.length = config.members),
      ∃ (_ : ∀ (p : SignedPrepare),
        (t.state.held config.self).current = some p → mine config t.state = some p), True := by
  refine ⟨Example.config 0,
    ⟨(run (Example.config 0) Example.origin (Example.locking 0)).state, []⟩, 5, by decide +kernel,
    ?_, trivial⟩
  have h1 : ((run (Example.config 0) Example.origin (Example.locking 0)).state.held 0).current
      = some (Example.signedPrepare 0) := by decide +kernel
  have h2 : mine (Example.config 0)
      (run (Example.config 0) Example.origin (Example.locking 0)).state
      = some (Example.signedPrepare 0) := by decide +kernel
  intro p hp
  exact h2.trans (h1.symm.trans hp)

end Omega
