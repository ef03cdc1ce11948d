module

public import Omega.Proof.QuorumLocked

/-! Lemmas: a life through which all that a member holds, and its log, is verified. -/

@[expose] public noncomputable section

namespace Omega.Quorum

variable {config : Config} {origin : Chain} {g : Trail} {t u : Turn}

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
