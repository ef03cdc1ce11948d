module

public import Omega.Spec.QuorumSafety
public import Omega.Proof.QuorumExample
public import Omega.Proof.QuorumPrepare

/-! The loop of a step ends after three attempts at the latest. -/

@[expose] public noncomputable section

namespace Omega

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

open Quorum

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
