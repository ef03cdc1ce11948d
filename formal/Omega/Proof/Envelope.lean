module

public import Omega.Spec.Chain
public import Omega.Proof.Bytes

/-! # Proofs about envelopes -/

@[expose] public noncomputable section

namespace Omega

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
