module

public import Omega.Proof.FrameLemmas

/-! # Proofs about frames and section files -/

@[expose] public noncomputable section

namespace Omega

open Frame

theorem Proof.frames_are_read_back : Claim.frames_are_read_back := by
  intro crc list h
  have := walk_encodeAll (crc := crc) some id list (fun x hx => ⟨rfl, h x hx⟩)
    (encodeAll crc list).length 0 (by rw [List.map_id]; exact Nat.le_refl _)
  rw [List.map_id] at this
  exact this

/-- A check for witnesses: the length. -/
def Frame.sampleCrc (bytes : Bytes) : Fin (2 ^ 32) := Fin.ofNat _ bytes.length

theorem Event.sample_fits : fits Event.sample.encode.length := fits_of_valid Event.sample_valid

theorem Witness.frames_are_read_back :
    ∃ (_ : Bytes → Fin (2 ^ 32)) (list : List Bytes), ∃ (_ : ∀ body ∈ list, fits body.length),
      True := by
  refine ⟨sampleCrc, [Event.sample.encode, Event.sample.encode], ?_, trivial⟩
  intro body hb
  simp only [List.mem_cons, List.not_mem_nil, or_false, or_self] at hb
  rw [hb]
  exact Event.sample_fits

theorem Proof.what_is_read_as_frames_is_their_concatenation :
    Claim.what_is_read_as_frames_is_their_concatenation := by
  intro crc bytes list h
  have := (walk_ok some id (fun _ _ e => (Option.some.inj e).symm) h).1
  rw [List.map_id] at this
  exact this.symm

theorem Frame.sample_bodies :
    bodies sampleCrc (encodeAll sampleCrc [Event.sample.encode]) = .ok [Event.sample.encode] := by
  refine Proof.frames_are_read_back _ _ ?_
  intro body hb
  rw [List.mem_singleton.mp hb]
  exact Event.sample_fits

theorem Witness.what_is_read_as_frames_is_their_concatenation :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) (list : List Bytes),
      ∃ (_ : bodies crc bytes = .ok list), True :=
  ⟨_, _, _, Frame.sample_bodies, trivial⟩

theorem Proof.bodies_that_are_read_fit : Claim.bodies_that_are_read_fit := by
  intro crc bytes list body h hb
  exact ((walk_ok some id (fun _ _ e => (Option.some.inj e).symm) h).2 body hb).2

theorem Witness.bodies_that_are_read_fit :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) (list : List Bytes) (body : Bytes),
      ∃ (_ : bodies crc bytes = .ok list), ∃ (_ : body ∈ list), True :=
  ⟨_, _, _, Event.sample.encode, Frame.sample_bodies, List.mem_singleton_self _, trivial⟩

theorem Proof.frames_parse_one_way_only : Claim.frames_parse_one_way_only := by
  intro crc ours theirs ho ht h
  have e := Proof.frames_are_read_back crc ours ho
  rw [h, Proof.frames_are_read_back crc theirs ht, Except.ok.injEq] at e
  exact e.symm

theorem Witness.frames_parse_one_way_only :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (ours theirs : List Bytes),
      ∃ (_ : ∀ body ∈ ours, fits body.length), ∃ (_ : ∀ body ∈ theirs, fits body.length),
      ∃ (_ : encodeAll crc ours = encodeAll crc theirs), True := by
  have h : ∀ body ∈ [Event.sample.encode, Event.sample.encode], fits body.length := by
    intro body hb
    simp only [List.mem_cons, List.not_mem_nil, or_false, or_self] at hb
    rw [hb]
    exact Event.sample_fits
  exact ⟨sampleCrc, _, _, h, h, rfl, trivial⟩

theorem Proof.file_is_read_back : Claim.file_is_read_back := by
  intro crc node events h
  have hd : (encodeFile crc node events).drop 32 = encodeAll crc (events.map Event.encode) :=
    List.drop_left' (length_encodeHeader node)
  rw [decodeFile, hd]
  rw [encodeFile, decodeHeader_encode]
  dsimp only
  rw [walk_encodeAll Event.decode Event.encode events
    (fun e he => ⟨Event.decode_encode (h e he), fits_of_valid (h e he)⟩) _ 32
    (by rw [List.length_append]; omega)]

theorem Witness.file_is_read_back :
    ∃ (_ : Bytes → Fin (2 ^ 32)) (_ : Fin (2 ^ 32)) (events : List Event),
      ∃ (_ : ∀ e ∈ events, e.Valid), True := by
  refine ⟨sampleCrc, 3, [Event.sample], ?_, trivial⟩
  intro e he
  rw [List.mem_singleton.mp he]
  exact Event.sample_valid

/-- What is read as a file. -/
theorem Frame.decodeFile_ok {crc : Bytes → Fin (2 ^ 32)} {file : Bytes} {node : Fin (2 ^ 32)}
    {events : List Event} (h : decodeFile crc file = .ok (node, events)) :
    encodeFile crc node events = file ∧ ∀ e ∈ events, e.Valid := by
  unfold decodeFile at h
  split at h
  · simp at h
  · next node' hh =>
    split at h
    · simp at h
    · next events' hw =>
      simp only [Except.ok.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      obtain ⟨hb, hall⟩ :=
        walk_ok Event.decode Event.encode (fun _ _ e => (Event.of_decode e).2) hw
      refine ⟨?_, fun e he => (Event.of_decode (hall e he).1).1⟩
      rw [encodeFile, ← hb]
      exact (decodeHeader_ok hh).2.symm

theorem Proof.file_that_is_read_is_its_encoding : Claim.file_that_is_read_is_its_encoding :=
  fun _ _ _ _ h => (decodeFile_ok h).1

theorem Frame.sample_file :
    decodeFile sampleCrc (encodeFile sampleCrc 3 [Event.sample]) = .ok (3, [Event.sample]) := by
  refine Proof.file_is_read_back _ _ _ ?_
  intro e he
  rw [List.mem_singleton.mp he]
  exact Event.sample_valid

theorem Witness.file_that_is_read_is_its_encoding :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (node : Fin (2 ^ 32)) (events : List Event),
      ∃ (_ : decodeFile crc file = .ok (node, events)), True :=
  ⟨_, _, _, _, Frame.sample_file, trivial⟩

theorem Proof.events_that_are_read_from_a_file_are_valid :
    Claim.events_that_are_read_from_a_file_are_valid :=
  fun _ _ _ _ e h he => (decodeFile_ok h).2 e he

theorem Witness.events_that_are_read_from_a_file_are_valid :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (node : Fin (2 ^ 32)) (events : List Event)
      (e : Event), ∃ (_ : decodeFile crc file = .ok (node, events)), ∃ (_ : e ∈ events), True :=
  ⟨_, _, _, _, Event.sample, Frame.sample_file, List.mem_singleton_self _, trivial⟩

theorem Proof.damage_of_a_file_is_the_first : Claim.damage_of_a_file_is_the_first := by
  intro crc file damage h
  unfold decodeFile at h
  split at h
  · next kind hh =>
    simp only [Except.error.injEq] at h
    subst h
    exact Or.inl ⟨rfl, hh⟩
  · next node hh =>
    split at h
    · next d hw =>
      simp only [Except.error.injEq] at h
      subst h
      obtain ⟨hlen, hfile⟩ := decodeHeader_ok hh
      obtain ⟨events, rest, hb, hr, ho, hall, hk⟩ :=
        walk_error Event.decode Event.encode (fun _ _ e => (Event.of_decode e).2)
          (by rw [List.length_drop]; omega) hw
      have hf : file = encodeFile crc node events ++ rest := by
        rw [encodeFile, List.append_assoc, ← hb]
        exact hfile
      have hl : (encodeFile crc node events).length = d.offset := by
        rw [encodeFile, List.length_append, length_encodeHeader, ho]
      have hpos : 0 < rest.length := List.length_pos_iff.mpr hr
      have htake : file.take d.offset = encodeFile crc node events := by
        rw [hf]; exact List.take_left' hl
      have hdrop : file.drop d.offset = rest := by
        rw [hf]; exact List.drop_left' hl
      refine Or.inr ⟨by omega, ?_, ?_, node, events,
        fun e he => (Event.of_decode (hall e he)).1, htake⟩
      · rw [hf, List.length_append]; omega
      · rw [hdrop, wrongWithFrame]
        rcases hk with hk | ⟨body, tail, hk, hn, hkind⟩
        · rw [hk]
        · rw [hk, hkind]
          dsimp only
          rw [hn]
          rfl
    · simp at h

theorem Witness.damage_of_a_file_is_the_first :
    ∃ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (damage : Damage),
      ∃ (_ : decodeFile crc file = .error damage), True :=
  ⟨sampleCrc, encodeFile sampleCrc 3 [Event.sample] ++ [0, 0], ⟨.tornTail, 136⟩,
    by decide +kernel, trivial⟩

end Omega
