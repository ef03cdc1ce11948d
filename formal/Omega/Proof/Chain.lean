module

public import Omega.Spec.Chain
public import Omega.Proof.Key
public import Omega.Proof.MerkleSound

/-! # Proofs about envelopes and chains -/

@[expose] public noncomputable section

namespace Omega

/-! ## Envelopes -/

namespace Envelope

/-- A field of known place and length. -/
theorem field_append {a n : Nat} (x y z : Bytes) (hx : x.length = a) (hy : y.length = n) :
    ((x ++ (y ++ z)).drop a).take n = y := by
  rw [List.drop_left' hx, List.take_left' hy]

theorem length_encode {e : Envelope} (h : e.Sized) : e.encode.length = 121 := by
  simp only [encode, tail, List.length_append, Bytes.length_toBytes, List.length_cons,
    List.length_nil, h.certId, h.traceRoot, h.bodyHash, h.prev]

theorem decode_encode {e : Envelope} (h : e.Sized) : decode e.encode = some e := by
  have l1 := h.certId
  have l2 : [e.certType].length = 1 := rfl
  have l3 := h.traceRoot
  have l4 := Bytes.length_toBytes 8 e.batchId.val
  have l5 := h.bodyHash
  have l6 := h.prev
  have f1 : (e.encode.drop 0).take 16 = e.certId := by
    have := field_append [] e.certId e.tail rfl l1
    simpa only [encode, List.nil_append] using this
  have f2 : (e.encode.drop 16).take 1 = [e.certType] := by
    have := field_append e.certId [e.certType]
      (e.traceRoot ++ (toBytes 8 e.batchId.val ++ (e.bodyHash ++ e.prev))) l1 l2
    simpa only [encode, tail, List.append_assoc] using this
  have f3 : (e.encode.drop 17).take 32 = e.traceRoot := by
    have := field_append (a := 17) (e.certId ++ [e.certType]) e.traceRoot
      (toBytes 8 e.batchId.val ++ (e.bodyHash ++ e.prev))
      (by rw [List.length_append, l1, l2]) l3
    simpa only [encode, tail, List.append_assoc] using this
  have f4 : (e.encode.drop 49).take 8 = toBytes 8 e.batchId.val := by
    have := field_append (a := 49) (e.certId ++ ([e.certType] ++ e.traceRoot))
      (toBytes 8 e.batchId.val) (e.bodyHash ++ e.prev)
      (by rw [List.length_append, List.length_append, l1, l2, l3]) l4
    simpa only [encode, tail, List.append_assoc] using this
  have f5 : (e.encode.drop 57).take 32 = e.bodyHash := by
    have := field_append (a := 57)
      (e.certId ++ ([e.certType] ++ (e.traceRoot ++ toBytes 8 e.batchId.val))) e.bodyHash e.prev
      (by rw [List.length_append, List.length_append, List.length_append, l1, l2, l3, l4]) l5
    simpa only [encode, tail, List.append_assoc] using this
  have f6 : (e.encode.drop 89).take 32 = e.prev := by
    have := field_append (a := 89)
      (e.certId ++ ([e.certType] ++ (e.traceRoot ++ (toBytes 8 e.batchId.val ++ e.bodyHash))))
      e.prev []
      (by rw [List.length_append, List.length_append, List.length_append, List.length_append,
        l1, l2, l3, l4, l5]) l6
    simpa only [encode, tail, List.append_assoc, List.append_nil] using this
  have hb : ofBytes (toBytes 8 e.batchId.val) % 2 ^ 64 = e.batchId.val := by
    rw [Bytes.ofBytes_toBytes (Nat.lt_of_lt_of_le e.batchId.isLt (by decide))]
    exact Nat.mod_eq_of_lt e.batchId.isLt
  unfold decode
  rw [if_neg (fun hne => hne (length_encode h))]
  dsimp only
  simp only [f1, f2, f3, f4, f5, f6, hb, List.headD_cons]

theorem take_fields (bytes : Bytes) (a n : Nat) :
    bytes.take (a + n) = bytes.take a ++ (bytes.drop a).take n := List.take_add

theorem of_decode {bytes : Bytes} {e : Envelope} (h : decode bytes = some e) :
    bytes.length = 121 ∧ e.Sized ∧ e.encode = bytes := by
  unfold decode at h
  split at h
  · simp at h
  · next hl =>
    have hl := Decidable.not_not.mp hl
    rw [Option.some.injEq] at h
    have hf : ∀ (start n : Nat), start + n ≤ 121 → ((bytes.drop start).take n).length = n := by
      intro start n hn
      rw [List.length_take, List.length_drop]
      omega
    have hbatch : toBytes 8 (ofBytes ((bytes.drop 49).take 8) % 2 ^ 64) =
        (bytes.drop 49).take 8 := by
      have hlt := Bytes.ofBytes_lt ((bytes.drop 49).take 8)
      rw [hf 49 8 (by decide)] at hlt
      rw [Nat.mod_eq_of_lt hlt, Bytes.toBytes_ofBytes_of_length (hf 49 8 (by decide))]
    have htype : [((bytes.drop 16).take 1).headD 0] = (bytes.drop 16).take 1 := by
      obtain ⟨b, hb⟩ := List.length_eq_one_iff.mp (hf 16 1 (by decide))
      rw [hb]
      rfl
    refine ⟨hl, ?_, ?_⟩
    · subst h
      exact ⟨hf 0 16 (by decide), hf 17 32 (by decide), hf 57 32 (by decide), hf 89 32 (by decide)⟩
    · subst h
      have hall : bytes = bytes.take 121 := (List.take_of_length_le (by omega)).symm
      rw [encode, tail]
      dsimp only
      rw [hbatch, htype]
      conv => rhs; rw [hall, take_fields bytes 89 32, take_fields bytes 57 32,
        take_fields bytes 49 8, take_fields bytes 17 32, take_fields bytes 16 1]
      simp only [List.drop_zero, List.append_assoc]

theorem encode_inj {a b : Envelope} (ha : a.Sized) (hb : b.Sized) (h : a.encode = b.encode) :
    a = b := by
  have e := decode_encode ha
  rw [h, decode_encode hb, Option.some.injEq] at e
  exact e.symm

/-- An envelope for witnesses, with the cert_id that it must have where the hash of anything is 32
zero bytes. -/
def sample : Envelope :=
  ⟨List.replicate 16 0, 1, List.replicate 32 7, 3, List.replicate 32 8, List.replicate 32 9⟩

theorem sample_sized : sample.Sized := ⟨rfl, rfl, rfl, rfl⟩

end Envelope

open Envelope

theorem Proof.envelope_has_121_bytes : Claim.envelope_has_121_bytes :=
  fun _ h => length_encode h

theorem Witness.envelope_has_121_bytes : ∃ (e : Envelope), ∃ (_ : e.Sized), True :=
  ⟨sample, sample_sized, trivial⟩

theorem Proof.envelope_is_read_back_from_its_bytes :
    Claim.envelope_is_read_back_from_its_bytes := fun _ h => Envelope.decode_encode h

theorem Witness.envelope_is_read_back_from_its_bytes : ∃ (e : Envelope), ∃ (_ : e.Sized), True :=
  ⟨sample, sample_sized, trivial⟩

theorem Proof.envelope_that_is_read_is_sized : Claim.envelope_that_is_read_is_sized :=
  fun _ _ h => (of_decode h).2.1

theorem Witness.envelope_that_is_read_is_sized :
    ∃ (bytes : Bytes) (e : Envelope), ∃ (_ : decode bytes = some e), True :=
  ⟨_, sample, Envelope.decode_encode sample_sized, trivial⟩

theorem Proof.bytes_of_an_envelope_are_its_encoding :
    Claim.bytes_of_an_envelope_are_its_encoding := fun _ _ h => (of_decode h).2.2

theorem Witness.bytes_of_an_envelope_are_its_encoding :
    ∃ (bytes : Bytes) (e : Envelope), ∃ (_ : decode bytes = some e), True :=
  ⟨_, sample, Envelope.decode_encode sample_sized, trivial⟩

theorem Proof.every_other_length_is_refused : Claim.every_other_length_is_refused := by
  intro bytes
  unfold decode
  split
  · next h => simp [h]
  · next h => simp [Decidable.not_not.mp h]

theorem Witness.every_other_length_is_refused : ∃ (_ : Bytes), True :=
  ⟨sample.encode, trivial⟩

theorem Proof.encoding_of_envelopes_is_injective : Claim.encoding_of_envelopes_is_injective :=
  fun _ _ ha hb h => encode_inj ha hb h

theorem Witness.encoding_of_envelopes_is_injective :
    ∃ (a b : Envelope), ∃ (_ : a.Sized), ∃ (_ : b.Sized), ∃ (_ : a.encode = b.encode), True :=
  ⟨sample, sample, sample_sized, sample_sized, rfl, trivial⟩

theorem Proof.rest_of_an_envelope_determines_it : Claim.rest_of_an_envelope_determines_it := by
  intro hash a b ha hb ia ib h
  refine encode_inj ha hb ?_
  rw [encode, encode, ia, ib, derivedId, derivedId, h]

theorem Witness.rest_of_an_envelope_determines_it :
    ∃ (hash : Bytes → Bytes) (a b : Envelope), ∃ (_ : a.Sized), ∃ (_ : b.Sized),
      ∃ (_ : a.certId = a.derivedId hash), ∃ (_ : b.certId = b.derivedId hash),
      ∃ (_ : a.tail = b.tail), True :=
  ⟨fun _ => List.replicate 32 0, sample, sample, sample_sized, sample_sized, rfl, rfl, rfl,
    trivial⟩

end Omega

namespace Omega

/-! ## Chains -/

namespace Chain

open Merkle (equal_or_collide)

variable {hash : Bytes → Bytes}

/-- A certificate goes on a chain if and only if it keeps the rules. -/
theorem check_iff {length : Nat} {last : Bytes} {c : Certificate} :
    check hash length last c = none ↔ Keeps hash length last c := by
  unfold check
  dsimp only
  constructor
  · intro h
    split at h
    · cases h
    · next h1 =>
    split at h
    · cases h
    · next h2 =>
    split at h
    · cases h
    · next h3 =>
    split at h
    · cases h
    · next h4 =>
    split at h
    · cases h
    · next h5 =>
    split at h
    · cases h
    · next h6 =>
    split at h
    · cases h
    · next h7 =>
      exact ⟨by omega, decide_eq_decide.mp (Decidable.not_not.mp h2), Decidable.not_not.mp h3,
        Decidable.not_not.mp h4, Decidable.not_not.mp h5, Decidable.not_not.mp h6,
        fun ht => Decidable.not_not.mp fun hr => h7 ⟨ht, hr⟩⟩
  · intro h
    have h1 := h.type_is_known
    rw [if_neg (by omega), if_neg (fun n => n (decide_eq_decide.mpr h.genesis_is_first)),
      if_neg (fun n => n h.height), if_neg (fun n => n h.prev), if_neg (fun n => n h.body),
      if_neg (fun n => n h.id), if_neg (fun n => n.2 (h.trace n.1))]

theorem of_check {length : Nat} {last : Bytes} {c : Certificate}
    (h : check hash length last c = none) :
    c.envelope.certType.val ≤ 4 ∧ (length = 0 ↔ c.envelope.certType.val = 0) ∧
      c.envelope.batchId.val = length ∧ c.envelope.prev = last ∧
      c.envelope.bodyHash = bodyHash hash c.body :=
  have k := check_iff.mp h
  ⟨k.type_is_known, k.genesis_is_first, k.height, k.prev, k.body⟩

theorem goesOn_cons {length : Nat} {last : Bytes} {c : Certificate} {rest : List Certificate} :
    goesOn hash length last (c :: rest) = true ↔
      check hash length last c = none ∧
        goesOn hash (length + 1) (certHash hash c) rest = true := by
  simp only [goesOn, Bool.and_eq_true, decide_eq_true_eq]

/-- The head is the last certificate's, whose height is the length before it. -/
theorem last_of_goesOn {length : Nat} {last : Bytes} {chain : List Certificate}
    (h : goesOn hash length last chain) (hne : chain ≠ []) :
    ∃ c ∈ chain, headAfter hash last chain = certHash hash c ∧
      c.envelope.batchId.val + 1 = length + chain.length := by
  induction chain generalizing length last with
  | nil => exact absurd rfl hne
  | cons c rest ih =>
    obtain ⟨hc, hrest⟩ := goesOn_cons.mp h
    cases rest with
    | nil =>
      refine ⟨c, List.mem_cons_self, rfl, ?_⟩
      rw [(of_check hc).2.2.1]
      rfl
    | cons d more =>
      obtain ⟨x, hx, hhead, hh⟩ := ih hrest (List.cons_ne_nil d more)
      refine ⟨x, List.mem_cons_of_mem _ hx, hhead, ?_⟩
      rw [hh]
      simp only [List.length_cons]
      omega

theorem envelope_input {c : Certificate} {chain : List Certificate} (h : c ∈ chain) :
    certTag ++ c.envelope.encode ∈ inputs chain :=
  List.mem_flatMap.mpr ⟨c, h, List.mem_cons_self⟩

theorem body_input {c : Certificate} {chain : List Certificate} (h : c ∈ chain) :
    bodyTag ++ c.body ∈ inputs chain :=
  List.mem_flatMap.mpr ⟨c, h, List.mem_cons_of_mem _ (List.mem_singleton_self _)⟩

/-- Certificates with one cert_hash have one envelope, or collide. -/
theorem envelopes_equal_or_collide {ours theirs : List Certificate} {c d : Certificate}
    (hc : c ∈ ours) (hd : d ∈ theirs) (sc : c.envelope.Sized) (sd : d.envelope.Sized)
    (h : certHash hash c = certHash hash d) :
    c.envelope = d.envelope ∨ CollisionBetween hash (inputs ours) (inputs theirs) := by
  rcases equal_or_collide (certTag ++ c.envelope.encode) (certTag ++ d.envelope.encode) h with e | e
  · exact Or.inl (Envelope.encode_inj sc sd (List.append_cancel_left e))
  · refine Or.inr (Merkle.CollisionBetween.mono e ?_ ?_)
    · intro x hx
      rw [List.mem_singleton.mp hx]
      exact envelope_input hc
    · intro x hx
      rw [List.mem_singleton.mp hx]
      exact envelope_input hd

/-- Bodies with one body_hash are equal, or collide. -/
theorem bodies_equal_or_collide {ours theirs : List Certificate} {c d : Certificate}
    (hc : c ∈ ours) (hd : d ∈ theirs) (h : bodyHash hash c.body = bodyHash hash d.body) :
    c.body = d.body ∨ CollisionBetween hash (inputs ours) (inputs theirs) := by
  rcases equal_or_collide (bodyTag ++ c.body) (bodyTag ++ d.body) h with e | e
  · exact Or.inl (List.append_cancel_left e)
  · refine Or.inr (Merkle.CollisionBetween.mono e ?_ ?_)
    · intro x hx
      rw [List.mem_singleton.mp hx]
      exact body_input hc
    · intro x hx
      rw [List.mem_singleton.mp hx]
      exact body_input hd

/-- Equally long continuations that end in one head are equal and go on from one head, or
collide. -/
theorem continuations_equal_or_collide {length length' : Nat} {last last' : Bytes}
    {ours theirs : List Certificate} (so : ∀ c ∈ ours, c.envelope.Sized)
    (st : ∀ c ∈ theirs, c.envelope.Sized) (ho : goesOn hash length last ours)
    (ht : goesOn hash length' last' theirs) (hl : ours.length = theirs.length)
    (hh : headAfter hash last ours = headAfter hash last' theirs) :
    (ours = theirs ∧ last = last') ∨ CollisionBetween hash (inputs ours) (inputs theirs) := by
  induction ours generalizing theirs length length' last last' with
  | nil =>
    cases theirs with
    | nil => exact Or.inl ⟨rfl, hh⟩
    | cons d more => simp at hl
  | cons c rest ih =>
    cases theirs with
    | nil => simp at hl
    | cons d more =>
      obtain ⟨hc, hrest⟩ := goesOn_cons.mp ho
      obtain ⟨hd, hmore⟩ := goesOn_cons.mp ht
      have hm : ∀ {x : Bytes} {e : Certificate} {l : List Certificate},
          x ∈ inputs l → x ∈ inputs (e :: l) := fun h => List.mem_append_right _ h
      rcases ih (fun x hx => so x (List.mem_cons_of_mem _ hx))
          (fun x hx => st x (List.mem_cons_of_mem _ hx)) hrest hmore (Nat.succ.inj hl) hh with
        ⟨e, eh⟩ | hcol
      · rcases envelopes_equal_or_collide (ours := c :: rest) (theirs := d :: more)
            List.mem_cons_self List.mem_cons_self (so c List.mem_cons_self)
            (st d List.mem_cons_self) eh with ee | hcol
        · have hb : bodyHash hash c.body = bodyHash hash d.body := by
            rw [← (of_check hc).2.2.2.2, ← (of_check hd).2.2.2.2, ee]
          rcases bodies_equal_or_collide (ours := c :: rest) (theirs := d :: more)
              List.mem_cons_self List.mem_cons_self hb with eb | hcol
          · left
            have hcd : c = d := by
              cases c
              cases d
              simp only [Certificate.mk.injEq]
              exact ⟨ee, eb⟩
            refine ⟨by rw [hcd, e], ?_⟩
            rw [← (of_check hc).2.2.2.1, ← (of_check hd).2.2.2.1, ee]
          · exact Or.inr hcol
        · exact Or.inr hcol
      · exact Or.inr (Merkle.CollisionBetween.mono hcol (fun _ h => hm h) (fun _ h => hm h))

/-- The certificate in a place, checked against what stands before it. -/
theorem check_at {length : Nat} {last : Bytes} {chain : List Certificate} (i : Nat)
    (hi : i < chain.length) (h : goesOn hash length last chain) :
    check hash (length + i) (headAfter hash last (chain.take i)) chain[i] = none := by
  induction chain generalizing length last i with
  | nil => simp at hi
  | cons c rest ih =>
    obtain ⟨hc, hrest⟩ := goesOn_cons.mp h
    cases i with
    | zero => exact hc
    | succ i =>
      have := ih i (by simpa using hi) hrest
      rw [Nat.add_right_comm, Nat.add_assoc] at this
      exact this

theorem goesOn_take {length : Nat} {last : Bytes} {chain : List Certificate} (n : Nat)
    (h : goesOn hash length last chain) : goesOn hash length last (chain.take n) := by
  induction chain generalizing length last n with
  | nil => rw [List.take_nil]; rfl
  | cons c rest ih =>
    cases n with
    | zero => rfl
    | succ n =>
      obtain ⟨hc, hrest⟩ := goesOn_cons.mp h
      rw [List.take_succ_cons]
      exact goesOn_cons.mpr ⟨hc, ih n hrest⟩

theorem state_length (hw : ∀ input, (hash input).length = 32) (roots : List Bytes) (s : Bytes)
    (hs : s.length = 32) : (stateAfter hash s roots).length = 32 := by
  induction roots generalizing s with
  | nil => exact hs
  | cons r rest ih => exact ih _ (hw _)

/-- Equally many merges that lead from two states to one have the same trace roots and begin at
one state, or collide. -/
theorem states_equal_or_collide (hw : ∀ input, (hash input).length = 32) {s t : Bytes}
    {ours theirs : List Bytes} (hs : s.length = 32) (ht : t.length = 32)
    (hl : ours.length = theirs.length)
    (h : stateAfter hash s ours = stateAfter hash t theirs) :
    (s = t ∧ ours = theirs) ∨
      CollisionBetween hash (stateInputs hash s ours) (stateInputs hash t theirs) := by
  induction ours generalizing s t theirs with
  | nil =>
    cases theirs with
    | nil => exact Or.inl ⟨h, rfl⟩
    | cons y more => simp at hl
  | cons x rest ih =>
    cases theirs with
    | nil => simp at hl
    | cons y more =>
      rcases ih (s := nextState hash s x) (t := nextState hash t y) (hw _) (hw _)
          (Nat.succ.inj hl) h with ⟨e, er⟩ | hcol
      · rcases equal_or_collide (stateTag ++ (s ++ x)) (stateTag ++ (t ++ y)) e with e | e
        · have := List.append_inj (List.append_cancel_left e) (by rw [hs, ht])
          exact Or.inl ⟨this.1, by rw [this.2, er]⟩
        · refine Or.inr (Merkle.CollisionBetween.mono e ?_ ?_)
          · intro z hz
            rw [List.mem_singleton.mp hz]
            exact List.mem_cons_self
          · intro z hz
            rw [List.mem_singleton.mp hz]
            exact List.mem_cons_self
      · exact Or.inr (Merkle.CollisionBetween.mono hcol (fun _ h => List.mem_cons_of_mem _ h)
          (fun _ h => List.mem_cons_of_mem _ h))

theorem stateAfter_append (s : Bytes) (a b : List Bytes) :
    stateAfter hash s (a ++ b) = stateAfter hash (stateAfter hash s a) b := by
  induction a generalizing s with
  | nil => rfl
  | cons x a ih => exact ih _

theorem stateInputs_append (s : Bytes) (a b : List Bytes) :
    stateInputs hash s (a ++ b) =
      stateInputs hash s a ++ stateInputs hash (stateAfter hash s a) b := by
  induction a generalizing s with
  | nil => rfl
  | cons x a ih =>
    rw [List.cons_append, stateInputs, ih, stateInputs, stateAfter, List.cons_append]

/-- A state after at least one merge is the hash of something that was hashed for it. -/
theorem state_is_hashed (s : Bytes) (roots : List Bytes) (h : roots ≠ []) :
    ∃ input ∈ stateInputs hash s roots, stateAfter hash s roots = hash input := by
  induction roots generalizing s with
  | nil => exact absurd rfl h
  | cons r rest ih =>
    cases rest with
    | nil => exact ⟨_, List.mem_cons_self, rfl⟩
    | cons r' more =>
      obtain ⟨x, hx, e⟩ := ih (nextState hash s r) (List.cons_ne_nil r' more)
      exact ⟨x, List.mem_cons_of_mem _ hx, e⟩

/-- The longer of two sequences that lead to one state ends in the shorter, with the first state in
between, or they collide. -/
theorem longer_states (hw : ∀ input, (hash input).length = 32) {ours theirs : List Bytes}
    (hl : theirs.length < ours.length)
    (h : stateAfter hash zeros ours = stateAfter hash zeros theirs) :
    CollisionBetween hash (stateInputs hash zeros ours) (stateInputs hash zeros theirs) ∨
      ∃ input ∈ stateInputs hash zeros ours, hash input = zeros := by
  have hsplit := (List.take_append_drop (ours.length - theirs.length) ours).symm
  have hz : zeros.length = 32 := List.length_replicate ..
  have hd : (ours.drop (ours.length - theirs.length)).length = theirs.length := by
    rw [List.length_drop]; omega
  have ht : ours.take (ours.length - theirs.length) ≠ [] := by
    intro e
    have := congrArg List.length e
    rw [List.length_take, List.length_nil] at this
    omega
  rw [hsplit, stateAfter_append] at h
  have hin : stateInputs hash zeros ours =
      stateInputs hash zeros (ours.take (ours.length - theirs.length)) ++
        stateInputs hash (stateAfter hash zeros (ours.take (ours.length - theirs.length)))
          (ours.drop (ours.length - theirs.length)) := by
    rw [← stateInputs_append, ← hsplit]
  rcases states_equal_or_collide hw (state_length hw _ _ hz) hz hd h with ⟨e, _⟩ | hcol
  · right
    obtain ⟨x, hx, ex⟩ := state_is_hashed (hash := hash) zeros _ ht
    exact ⟨x, by rw [hin]; exact List.mem_append_left _ hx, by rw [← ex, e]⟩
  · left
    refine Merkle.CollisionBetween.mono hcol ?_ (fun _ hx => hx)
    intro x hx
    rw [hin]
    exact List.mem_append_right _ hx

theorem CollisionBetween.symm {a b : List Bytes} (h : CollisionBetween hash a b) :
    CollisionBetween hash b a := by
  obtain ⟨x, hx, y, hy, hne, he⟩ := h
  exact ⟨y, hy, x, hx, hne.symm, he.symm⟩

/-- A hash for witnesses: 32 zero bytes, whatever the input. -/
def flat (_ : Bytes) : Bytes := zeros

/-- A genesis for witnesses. -/
def sampleGenesis (body : Bytes) : Certificate :=
  ⟨⟨List.replicate 16 0, 0, zeros, 0, zeros, zeros⟩, body⟩

/-- A merge for witnesses. -/
def sampleMerge (body : Bytes) : Certificate :=
  ⟨⟨List.replicate 16 0, 1, List.replicate 32 5, 1, zeros, zeros⟩, body⟩

theorem sample_sized (b b' : Bytes) :
    ∀ c ∈ [sampleGenesis b, sampleMerge b'], c.envelope.Sized := by
  intro c hc
  rcases List.mem_cons.mp hc with rfl | hc
  · exact ⟨rfl, rfl, rfl, rfl⟩
  · rw [List.mem_singleton.mp hc]
    exact ⟨rfl, rfl, rfl, rfl⟩

theorem sample_valid : valid flat [sampleGenesis [1], sampleMerge [2]] := by decide +kernel

end Chain

open Chain

theorem Proof.certificates_that_keep_the_rules_go_on_a_chain :
    Claim.certificates_that_keep_the_rules_go_on_a_chain :=
  fun _ _ _ _ => check_iff

theorem Witness.certificates_that_keep_the_rules_go_on_a_chain :
    ∃ (_ : Bytes → Bytes) (_ : Nat) (_ : Bytes) (_ : Certificate), True :=
  ⟨flat, 1, zeros, sampleMerge [2], trivial⟩

theorem Proof.chains_with_one_head_are_equal_or_collide :
    Claim.chains_with_one_head_are_equal_or_collide := by
  intro hash ours theirs so st ho ht no nt hh hne
  obtain ⟨c, hc, ec, lc⟩ := last_of_goesOn ho no
  obtain ⟨d, hd, ed, ld⟩ := last_of_goesOn ht nt
  have heads : certHash hash c = certHash hash d := by rw [← ec, ← ed]; exact hh
  rcases envelopes_equal_or_collide hc hd (so c hc) (st d hd) heads with e | hcol
  · have hl : ours.length = theirs.length := by
      rw [e] at lc
      omega
    rcases continuations_equal_or_collide so st ho ht hl hh with ⟨e, _⟩ | hcol
    · exact absurd e hne
    · exact hcol
  · exact hcol

theorem Witness.chains_with_one_head_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (ours theirs : List Certificate),
      ∃ (_ : ∀ c ∈ ours, c.envelope.Sized), ∃ (_ : ∀ c ∈ theirs, c.envelope.Sized),
      ∃ (_ : valid hash ours), ∃ (_ : valid hash theirs), ∃ (_ : ours ≠ []),
      ∃ (_ : theirs ≠ []), ∃ (_ : head hash ours = head hash theirs), ∃ (_ : ours ≠ theirs),
      True :=
  ⟨flat, [sampleGenesis [1], sampleMerge [2]], [sampleGenesis [1], sampleMerge [3]],
    sample_sized _ _, sample_sized _ _, sample_valid, by decide +kernel, by decide, by decide, rfl,
    by decide +kernel, trivial⟩

theorem Proof.height_is_the_place_in_the_chain : Claim.height_is_the_place_in_the_chain := by
  intro hash chain i h
  have := (of_check (check_at i.val i.isLt h)).2.2.1
  rw [Nat.zero_add] at this
  exact this

theorem Witness.height_is_the_place_in_the_chain :
    ∃ (hash : Bytes → Bytes) (chain : List Certificate) (_ : Fin chain.length),
      ∃ (_ : valid hash chain), True :=
  ⟨flat, [sampleGenesis [1], sampleMerge [2]], ⟨1, by decide⟩, sample_valid, trivial⟩

theorem Proof.genesis_is_first_and_only_there : Claim.genesis_is_first_and_only_there := by
  intro hash chain i h
  have := (of_check (check_at i.val i.isLt h)).2.1
  rw [Nat.zero_add] at this
  rw [this, Fin.ext_iff]
  exact Iff.rfl

theorem Witness.genesis_is_first_and_only_there :
    ∃ (hash : Bytes → Bytes) (chain : List Certificate) (_ : Fin chain.length),
      ∃ (_ : valid hash chain), True :=
  ⟨flat, [sampleGenesis [1], sampleMerge [2]], ⟨1, by decide⟩, sample_valid, trivial⟩

theorem Proof.prev_is_the_head_before : Claim.prev_is_the_head_before := by
  intro hash chain i h
  exact (of_check (check_at i.val i.isLt h)).2.2.2.1

theorem Witness.prev_is_the_head_before :
    ∃ (hash : Bytes → Bytes) (chain : List Certificate) (_ : Fin chain.length),
      ∃ (_ : valid hash chain), True :=
  ⟨flat, [sampleGenesis [1], sampleMerge [2]], ⟨1, by decide⟩, sample_valid, trivial⟩

theorem Proof.beginning_of_a_chain_is_a_chain : Claim.beginning_of_a_chain_is_a_chain :=
  fun _ _ n h => goesOn_take n h

theorem Witness.beginning_of_a_chain_is_a_chain :
    ∃ (hash : Bytes → Bytes) (chain : List Certificate) (_ : Nat), ∃ (_ : valid hash chain),
      True :=
  ⟨flat, [sampleGenesis [1], sampleMerge [2]], 1, sample_valid, trivial⟩

theorem Proof.merges_with_one_state_are_equal_or_collide :
    Claim.merges_with_one_state_are_equal_or_collide := by
  intro hash ours theirs hw hl h hne
  have hz : zeros.length = 32 := List.length_replicate ..
  rcases states_equal_or_collide hw hz hz hl h with ⟨_, e⟩ | hcol
  · exact absurd e hne
  · exact hcol

theorem Witness.merges_with_one_state_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (ours theirs : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32), ∃ (_ : ours.length = theirs.length),
      ∃ (_ : stateAfter hash zeros ours = stateAfter hash zeros theirs), ∃ (_ : ours ≠ theirs),
      True :=
  ⟨flat, [[1], [2]], [[1], [3]], fun _ => List.length_replicate .., rfl, rfl, by decide, trivial⟩

theorem Proof.merges_of_any_number_are_equal_or_collide :
    Claim.merges_of_any_number_are_equal_or_collide := by
  intro hash ours theirs hw h hne
  rcases Nat.lt_trichotomy ours.length theirs.length with hl | hl | hl
  · rcases longer_states hw hl h.symm with hcol | ⟨x, hx, e⟩
    · exact Or.inl (Chain.CollisionBetween.symm hcol)
    · exact Or.inr ⟨x, List.mem_append_right _ hx, e⟩
  · exact Or.inl (Proof.merges_with_one_state_are_equal_or_collide hash ours theirs hw hl h hne)
  · rcases longer_states hw hl h with hcol | ⟨x, hx, e⟩
    · exact Or.inl hcol
    · exact Or.inr ⟨x, List.mem_append_left _ hx, e⟩

theorem Witness.merges_of_any_number_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (ours theirs : List Bytes),
      ∃ (_ : ∀ input, (hash input).length = 32),
      ∃ (_ : stateAfter hash zeros ours = stateAfter hash zeros theirs), ∃ (_ : ours ≠ theirs),
      True :=
  ⟨flat, [[1], [2]], [[1]], fun _ => List.length_replicate .., rfl, by decide, trivial⟩

end Omega
