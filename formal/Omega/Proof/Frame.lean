module

public import Omega.Proof.Codec

/-! # Proofs about frames and section files -/

@[expose] public noncomputable section

namespace Omega

/-! ## Walks over frames, and the header's fields -/

namespace Frame

variable {crc : Bytes → Fin (2 ^ 32)} {α : Type}

theorem fits_iff {n : Nat} : fits n = true ↔ 38 ≤ n ∧ n ≤ 2 ^ 24 := by
  simp only [fits, Bool.and_eq_true, decide_eq_true_eq]

theorem length_encode (body : Bytes) : (encode crc body).length = 8 + body.length := by
  simp only [encode, List.length_append, Bytes.length_toBytes]

theorem encodeAll_cons (body : Bytes) (bodies : List Bytes) :
    encodeAll crc (body :: bodies) = encode crc body ++ encodeAll crc bodies :=
  List.flatMap_cons

/-- The first of several frames is read back. -/
theorem next_encode (body rest : Bytes) (h : fits body.length) :
    next crc (encode crc body ++ rest) = .ok (body, rest) := by
  have hf := fits_iff.mp h
  have e : encode crc body ++ rest = toBytes 4 body.length ++
      ((toBytes 4 (crc (toBytes 4 body.length ++ body)).val ++ body) ++ rest) := by
    simp only [encode, List.append_assoc]
  have hlen : ofBytes (toBytes 4 body.length) = body.length := Bytes.ofBytes_toBytes (by omega)
  have hc := Bytes.length_toBytes 4 (crc (toBytes 4 body.length ++ body)).val
  rw [e, next, splitBytes_append _ _ (Bytes.length_toBytes 4 _)]
  dsimp only
  rw [hlen, h, splitBytes_append _ _ (by rw [List.length_append, hc])]
  dsimp only
  rw [List.take_left' hc, List.drop_left' hc,
    Bytes.ofBytes_toBytes (Nat.lt_of_lt_of_le (Fin.isLt _) (by decide))]
  simp only [Bool.not_true, Bool.false_eq_true, if_false, if_true]

/-- What is read as a frame is one. -/
theorem next_ok {bytes body rest : Bytes} (h : next crc bytes = .ok (body, rest)) :
    bytes = encode crc body ++ rest ∧ fits body.length := by
  unfold next at h
  split at h
  · simp at h
  · next length tail hs =>
    split at h
    · simp at h
    · next hfit =>
      split at h
      · simp at h
      · next framed rest' hs' =>
        dsimp only at h
        split at h
        · next hcrc =>
          simp only [Except.ok.injEq, Prod.mk.injEq] at h
          obtain ⟨hb, rfl⟩ := h
          obtain ⟨rfl, hl⟩ := splitBytes_eq_some.mp hs
          obtain ⟨rfl, hl'⟩ := splitBytes_eq_some.mp hs'
          have hbl : body.length = ofBytes length := by
            rw [← hb, List.length_drop]; omega
          have ht : (framed.take 4).length = 4 := by rw [List.length_take]; omega
          have hlen : toBytes 4 body.length = length := by
            rw [hbl]; exact Bytes.toBytes_ofBytes_of_length hl
          rw [hb] at hcrc
          refine ⟨?_, ?_⟩
          · rw [encode, hlen]
            rw [← hcrc, Bytes.toBytes_ofBytes_of_length ht, ← hb]
            simp only [List.append_assoc]
            rw [← List.append_assoc (framed.take 4), List.take_append_drop]
          · rw [hbl]
            simpa using hfit
        · simp at h

theorem walk_nil (judge : Bytes → Option α) (steps offset : Nat) :
    walk crc judge steps offset [] = .ok [] := by
  cases steps <;> rfl

theorem walk_step (judge : Bytes → Option α) (steps offset : Nat) (bytes : Bytes)
    (h : bytes ≠ []) :
    walk crc judge (steps + 1) offset bytes =
      match next crc bytes with
      | .error kind => .error ⟨kind, offset⟩
      | .ok (body, rest) =>
        match judge body with
        | none => .error ⟨.badEvent, offset⟩
        | some content =>
          match walk crc judge steps (offset + 8 + body.length) rest with
          | .error damage => .error damage
          | .ok contents => .ok (content :: contents) := by
  cases bytes with
  | nil => exact absurd rfl h
  | cons a b => rfl

theorem walk_encodeAll (judge : Bytes → Option α) (bytesOf : α → Bytes) (list : List α)
    (hj : ∀ x ∈ list, judge (bytesOf x) = some x ∧ fits (bytesOf x).length) (steps offset : Nat)
    (hs : (encodeAll crc (list.map bytesOf)).length ≤ steps) :
    walk crc judge steps offset (encodeAll crc (list.map bytesOf)) = .ok list := by
  induction list generalizing steps offset with
  | nil => exact walk_nil judge steps offset
  | cons x list ih =>
    rw [List.map_cons, encodeAll_cons, List.length_append, length_encode] at hs
    obtain ⟨steps, rfl⟩ : ∃ k, steps = k + 1 := ⟨steps - 1, by omega⟩
    have hx := hj x List.mem_cons_self
    have hne : encode crc (bytesOf x) ++ encodeAll crc (list.map bytesOf) ≠ [] := by
      intro h
      have := congrArg List.length h
      rw [List.length_append, length_encode, List.length_nil] at this
      omega
    rw [List.map_cons, encodeAll_cons, walk_step _ _ _ _ hne, next_encode _ _ hx.2]
    dsimp only
    rw [hx.1]
    dsimp only
    rw [ih (fun y hy => hj y (List.mem_cons_of_mem _ hy)) steps _ (by omega)]

/-- What a walk reads to its end is the frames around what it has read. -/
theorem walk_ok (judge : Bytes → Option α) (bytesOf : α → Bytes)
    (hj : ∀ b x, judge b = some x → bytesOf x = b) {steps offset : Nat} {bytes : Bytes}
    {list : List α} (h : walk crc judge steps offset bytes = .ok list) :
    bytes = encodeAll crc (list.map bytesOf) ∧
      ∀ x ∈ list, judge (bytesOf x) = some x ∧ fits (bytesOf x).length := by
  induction steps generalizing offset bytes list with
  | zero =>
    cases bytes with
    | nil =>
      rw [walk_nil, Except.ok.injEq] at h
      subst h
      exact ⟨rfl, fun x hx => absurd hx List.not_mem_nil⟩
    | cons a b => simp [walk] at h
  | succ steps ih =>
    by_cases hne : bytes = []
    · subst hne
      rw [walk_nil, Except.ok.injEq] at h
      subst h
      exact ⟨rfl, fun x hx => absurd hx List.not_mem_nil⟩
    · rw [walk_step _ _ _ _ hne] at h
      split at h
      · simp at h
      · next body rest hn =>
        split at h
        · simp at h
        · next content hc =>
          split at h
          · simp at h
          · next contents hw =>
            simp only [Except.ok.injEq] at h
            subst h
            obtain ⟨e, hall⟩ := ih hw
            obtain ⟨eb, hf⟩ := next_ok hn
            have hb := hj _ _ hc
            rw [List.map_cons, encodeAll_cons, hb, ← e]
            refine ⟨eb, ?_⟩
            intro x hx
            rcases List.mem_cons.mp hx with rfl | hx
            · rw [hb]; exact ⟨hc, hf⟩
            · exact hall x hx

/-- Where a walk ends early, it has read good frames up to there. -/
theorem walk_error (judge : Bytes → Option α) (bytesOf : α → Bytes)
    (hj : ∀ b x, judge b = some x → bytesOf x = b) {steps offset : Nat} {bytes : Bytes}
    {damage : Damage} (hs : bytes.length ≤ steps)
    (h : walk crc judge steps offset bytes = .error damage) :
    ∃ (list : List α) (rest : Bytes), bytes = encodeAll crc (list.map bytesOf) ++ rest ∧
      rest ≠ [] ∧ damage.offset = offset + (encodeAll crc (list.map bytesOf)).length ∧
      (∀ x ∈ list, judge (bytesOf x) = some x) ∧
      (next crc rest = .error damage.kind ∨
        ∃ body tail, next crc rest = .ok (body, tail) ∧ judge body = none ∧
          damage.kind = .badEvent) := by
  induction steps generalizing offset bytes damage with
  | zero =>
    cases bytes with
    | nil =>
      rw [walk_nil] at h
      cases h
    | cons a b => simp at hs
  | succ steps ih =>
    by_cases hne : bytes = []
    · subst hne
      rw [walk_nil] at h
      cases h
    · rw [walk_step _ _ _ _ hne] at h
      split at h
      · next kind hn =>
        simp only [Except.error.injEq] at h
        subst h
        exact ⟨[], bytes, rfl, hne, rfl, fun x hx => absurd hx List.not_mem_nil, Or.inl hn⟩
      · next body tail hn =>
        split at h
        · next hb =>
          simp only [Except.error.injEq] at h
          subst h
          exact ⟨[], bytes, rfl, hne, rfl, fun x hx => absurd hx List.not_mem_nil,
            Or.inr ⟨body, tail, hn, hb, rfl⟩⟩
        · next content hc =>
          split at h
          · next d hw =>
            simp only [Except.error.injEq] at h
            subst h
            obtain ⟨eb, hf⟩ := next_ok hn
            have hbl := hj _ _ hc
            have hl : bytes.length = 8 + body.length + tail.length := by
              rw [eb, List.length_append, length_encode]
            obtain ⟨list, rest, e, hr, ho, hall, hk⟩ := ih (by omega) hw
            refine ⟨content :: list, rest, ?_, hr, ?_, ?_, hk⟩
            · rw [List.map_cons, encodeAll_cons, hbl, List.append_assoc, ← e]
              exact eb
            · rw [List.map_cons, encodeAll_cons, hbl, List.length_append, length_encode, ho]
              omega
            · intro x hx
              rcases List.mem_cons.mp hx with rfl | hx
              · rw [hbl]; exact hc
              · exact hall x hx
          · simp at h

theorem length_headerFront (node : Fin (2 ^ 32)) : (headerFront node).length = 28 := by
  simp only [headerFront, List.length_append, Bytes.length_toBytes, List.length_replicate]
  rfl

theorem length_encodeHeader (node : Fin (2 ^ 32)) : (encodeHeader crc node).length = 32 := by
  rw [encodeHeader, List.length_append, length_headerFront, Bytes.length_toBytes]

/-- A field of known place and length. -/
theorem field_append {a n : Nat} (x y z : Bytes) (hx : x.length = a) (hy : y.length = n) :
    ((x ++ (y ++ z)).drop a).take n = y := by
  rw [List.drop_left' hx, List.take_left' hy]

theorem take_fields (bytes : Bytes) (a n : Nat) :
    bytes.take (a + n) = bytes.take a ++ (bytes.drop a).take n := List.take_add

theorem decodeHeader_encode (node : Fin (2 ^ 32)) (rest : Bytes) :
    decodeHeader crc (encodeHeader crc node ++ rest) = .ok node := by
  have hl : ¬ (encodeHeader crc node ++ rest).length < 32 := by
    rw [List.length_append, length_encodeHeader]; omega
  have hm : magic.length = 8 := rfl
  have l1 := Bytes.length_toBytes 2 1
  have l2 := Bytes.length_toBytes 2 0
  have l3 := Bytes.length_toBytes 4 node.val
  have l4 : (List.replicate 12 (0 : Byte)).length = 12 := List.length_replicate ..
  have l5 := Bytes.length_toBytes 4 (crc (headerFront node)).val
  have f1 : ((encodeHeader crc node ++ rest).drop 0).take 8 = magic := by
    have := field_append [] magic (toBytes 2 1 ++ (toBytes 2 0 ++ (toBytes 4 node.val ++
      (List.replicate 12 0 ++ (toBytes 4 (crc (headerFront node)).val ++ rest))))) rfl hm
    simpa only [encodeHeader, headerFront, List.append_assoc, List.nil_append] using this
  have f2 : ((encodeHeader crc node ++ rest).drop 8).take 2 = toBytes 2 1 := by
    have := field_append magic (toBytes 2 1) (toBytes 2 0 ++ (toBytes 4 node.val ++
      (List.replicate 12 0 ++ (toBytes 4 (crc (headerFront node)).val ++ rest)))) hm l1
    simpa only [encodeHeader, headerFront, List.append_assoc] using this
  have f3 : ((encodeHeader crc node ++ rest).drop 10).take 2 = toBytes 2 0 := by
    have := field_append (a := 10) (magic ++ toBytes 2 1) (toBytes 2 0) (toBytes 4 node.val ++
      (List.replicate 12 0 ++ (toBytes 4 (crc (headerFront node)).val ++ rest)))
      (by rw [List.length_append, hm, l1]) l2
    simpa only [encodeHeader, headerFront, List.append_assoc] using this
  have f4 : ((encodeHeader crc node ++ rest).drop 12).take 4 = toBytes 4 node.val := by
    have := field_append (a := 12) (magic ++ (toBytes 2 1 ++ toBytes 2 0)) (toBytes 4 node.val)
      (List.replicate 12 0 ++ (toBytes 4 (crc (headerFront node)).val ++ rest))
      (by rw [List.length_append, List.length_append, hm, l1, l2]) l3
    simpa only [encodeHeader, headerFront, List.append_assoc] using this
  have f5 : ((encodeHeader crc node ++ rest).drop 16).take 12 = List.replicate 12 0 := by
    have := field_append (a := 16) (magic ++ (toBytes 2 1 ++ (toBytes 2 0 ++ toBytes 4 node.val)))
      (List.replicate 12 0) (toBytes 4 (crc (headerFront node)).val ++ rest)
      (by rw [List.length_append, List.length_append, List.length_append, hm, l1, l2, l3]) l4
    simpa only [encodeHeader, headerFront, List.append_assoc] using this
  have f6 : ((encodeHeader crc node ++ rest).drop 28).take 4 =
      toBytes 4 (crc (headerFront node)).val := by
    have := field_append (headerFront node) (toBytes 4 (crc (headerFront node)).val) rest
      (length_headerFront node) l5
    simpa only [encodeHeader, List.append_assoc] using this
  have f0 : ((encodeHeader crc node ++ rest).drop 0).take 28 = headerFront node := by
    have := field_append [] (headerFront node) (toBytes 4 (crc (headerFront node)).val ++ rest) rfl
      (length_headerFront node)
    simpa only [encodeHeader, List.append_assoc, List.nil_append] using this
  have hc : ofBytes (toBytes 4 (crc (headerFront node)).val) = (crc (headerFront node)).val :=
    Bytes.ofBytes_toBytes (Nat.lt_of_lt_of_le (Fin.isLt _) (by decide))
  have hn : ofBytes (toBytes 4 node.val) = node.val :=
    Bytes.ofBytes_toBytes (Nat.lt_of_lt_of_le (Fin.isLt _) (by decide))
  simp only [decodeHeader, if_neg hl, f1, f2, f3, f4, f5, f6, f0, hc, hn, ne_eq,
    not_true_eq_false, if_false, Except.ok.injEq]
  exact Fin.ext (Nat.mod_eq_of_lt node.isLt)

theorem decodeHeader_ok {file : Bytes} {node : Fin (2 ^ 32)}
    (h : decodeHeader crc file = .ok node) :
    32 ≤ file.length ∧ file = encodeHeader crc node ++ file.drop 32 := by
  unfold decodeHeader at h
  dsimp only at h
  split at h
  · simp at h
  · next hl =>
    split at h
    · simp at h
    · next h1 =>
    split at h
    · simp at h
    · next h2 =>
    split at h
    · simp at h
    · next h3 =>
    split at h
    · simp at h
    · next h4 =>
    split at h
    · simp at h
    · next h5 =>
      have h1 := Decidable.not_not.mp h1
      have h2 := Decidable.not_not.mp h2
      have h3 := Decidable.not_not.mp h3
      have h4 := Decidable.not_not.mp h4
      have h5 := Decidable.not_not.mp h5
      rw [Except.ok.injEq] at h
      have l4 : ((file.drop 12).take 4).length = 4 := by
        rw [List.length_take, List.length_drop]; omega
      have l28 : ((file.drop 28).take 4).length = 4 := by
        rw [List.length_take, List.length_drop]; omega
      have hlt := Bytes.ofBytes_lt ((file.drop 12).take 4)
      rw [l4] at hlt
      have hv : node.val = ofBytes ((file.drop 12).take 4) := by
        rw [← h]
        exact Nat.mod_eq_of_lt hlt
      have hn : (file.drop 12).take 4 = toBytes 4 node.val := by
        rw [hv, Bytes.toBytes_ofBytes_of_length l4]
      rw [List.drop_zero] at h1 h3
      have hfront : file.take 28 = headerFront node := by
        rw [take_fields file 16 12, take_fields file 12 4, take_fields file 10 2,
          take_fields file 8 2, h1, h2, h4, h5, hn]
        rfl
      have hcrc : (file.drop 28).take 4 = toBytes 4 (crc (headerFront node)).val := by
        rw [← hfront, ← h3, Bytes.toBytes_ofBytes_of_length l28]
      refine ⟨by omega, ?_⟩
      rw [encodeHeader, ← hcrc, ← hfront, ← take_fields, List.take_append_drop]

theorem fits_of_valid {e : Event} (h : e.Valid) : fits e.encode.length := by
  have := h.max_size
  rw [fits_iff, Event.length_encode]
  rw [Event.size] at this ⊢
  omega

end Frame

open Frame

/-! ## Frames and section files -/

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
