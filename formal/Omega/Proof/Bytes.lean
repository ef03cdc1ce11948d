module

public import Omega.Spec.Key

/-! # Proofs about bytes -/

@[expose] public noncomputable section

namespace Omega

namespace Bytes

theorem length_toBytes (width n : Nat) : (toBytes width n).length = width := by
  induction width generalizing n with
  | zero => rfl
  | succ width ih => simp only [toBytes, List.length_append, ih, List.length_cons, List.length_nil]

theorem ofBytes_nil : ofBytes [] = 0 := rfl

/-- One more byte at the end. -/
theorem ofBytes_concat (bytes : Bytes) (byte : Byte) :
    ofBytes (bytes ++ [byte]) = ofBytes bytes * 256 + byte.val := by
  simp only [ofBytes, List.foldl_append, List.foldl_cons, List.foldl_nil]

theorem foldl_eq (bytes : Bytes) (start : Nat) :
    bytes.foldl (fun n byte => n * 256 + byte.val) start
      = start * 256 ^ bytes.length + ofBytes bytes := by
  induction bytes generalizing start with
  | nil => simp only [List.foldl_nil, List.length_nil, Nat.pow_zero, Nat.mul_one, ofBytes_nil,
      Nat.add_zero]
  | cons byte bytes ih =>
    simp only [ofBytes, List.foldl_cons, List.length_cons]
    rw [ih, ih (0 * 256 + byte.val), Nat.pow_succ]
    simp only [Nat.zero_mul, Nat.zero_add, Nat.add_mul, ← Nat.add_assoc]
    rw [Nat.mul_assoc, Nat.mul_comm 256]

/-- The most significant byte of a number. -/
theorem ofBytes_cons (byte : Byte) (bytes : Bytes) :
    ofBytes (byte :: bytes) = byte.val * 256 ^ bytes.length + ofBytes bytes := by
  have h := foldl_eq bytes byte.val
  simpa only [ofBytes, List.foldl_cons, Nat.zero_mul, Nat.zero_add] using h

theorem ofBytes_append (a b : Bytes) :
    ofBytes (a ++ b) = ofBytes a * 256 ^ b.length + ofBytes b := by
  have h := foldl_eq b (ofBytes a)
  rw [← h]
  simp only [ofBytes, List.foldl_append]

theorem ofBytes_lt (bytes : Bytes) : ofBytes bytes < 256 ^ bytes.length := by
  induction bytes with
  | nil => simp only [ofBytes_nil, List.length_nil, Nat.pow_zero, Nat.lt_add_one]
  | cons byte bytes ih =>
    rw [ofBytes_cons, List.length_cons, Nat.pow_succ]
    have h : (byte.val + 1) * 256 ^ bytes.length ≤ 256 * 256 ^ bytes.length :=
      Nat.mul_le_mul_right _ byte.isLt
    rw [Nat.add_mul, Nat.one_mul] at h
    rw [Nat.mul_comm _ 256]
    omega

theorem ofBytes_toBytes {width n : Nat} (h : n < 256 ^ width) : ofBytes (toBytes width n) = n := by
  induction width generalizing n with
  | zero =>
    simp only [Nat.pow_zero] at h
    simp only [toBytes, ofBytes_nil]
    omega
  | succ width ih =>
    rw [Nat.pow_succ] at h
    have high : n / 256 < 256 ^ width := by omega
    have low : (Fin.ofNat 256 n).val = n % 256 := rfl
    rw [toBytes, ofBytes_concat, ih high, low]
    omega

theorem toBytes_concat (width n : Nat) (byte : Byte) :
    toBytes (width + 1) (n * 256 + byte.val) = toBytes width n ++ [byte] := by
  have hb : Fin.ofNat 256 (n * 256 + byte.val) = byte := by
    apply Fin.ext
    simp only [Fin.ofNat]
    omega
  have hn : (n * 256 + byte.val) / 256 = n := by omega
  simp only [toBytes, hb, hn]

/-- Induction on the end of a string. -/
theorem concat_induction {motive : Bytes → Prop} (nil : motive [])
    (concat : ∀ bytes byte, motive bytes → motive (bytes ++ [byte])) (bytes : Bytes) :
    motive bytes := by
  have h : ∀ reversed : Bytes, motive reversed.reverse := by
    intro reversed
    induction reversed with
    | nil => exact nil
    | cons byte rest ih =>
      rw [List.reverse_cons]
      exact concat _ _ ih
  have := h bytes.reverse
  rwa [List.reverse_reverse] at this

theorem toBytes_ofBytes (bytes : Bytes) : toBytes bytes.length (ofBytes bytes) = bytes := by
  induction bytes using concat_induction with
  | nil => rfl
  | concat bytes byte ih =>
    rw [ofBytes_concat, List.length_append, List.length_cons, List.length_nil, Nat.zero_add,
      toBytes_concat, ih]

/-- Bytes of a known length are those of their number. -/
theorem toBytes_ofBytes_of_length {width : Nat} {bytes : Bytes} (h : bytes.length = width) :
    toBytes width (ofBytes bytes) = bytes := by
  subst h
  exact toBytes_ofBytes bytes

/-- Numbers that fit into a width differ in their bytes. -/
theorem toBytes_inj {width a b : Nat} (ha : a < 256 ^ width) (hb : b < 256 ^ width)
    (h : toBytes width a = toBytes width b) : a = b := by
  rw [← ofBytes_toBytes ha, ← ofBytes_toBytes hb, h]

/-- Strings of one length differ in their numbers. -/
theorem ofBytes_inj {a b : Bytes} (hl : a.length = b.length) (h : ofBytes a = ofBytes b) :
    a = b := by
  rw [← toBytes_ofBytes a, ← toBytes_ofBytes b, hl, h]

end Bytes

theorem Proof.a_number_is_read_back_from_its_bytes :
    Claim.a_number_is_read_back_from_its_bytes := by
  intro width n h
  exact Bytes.ofBytes_toBytes h

theorem Witness.a_number_is_read_back_from_its_bytes :
    ∃ (width n : Nat), ∃ (_ : n < 256 ^ width), True :=
  ⟨2, 65534, by decide, trivial⟩

theorem Proof.bytes_are_those_of_their_number : Claim.bytes_are_those_of_their_number := by
  intro bytes
  exact Bytes.toBytes_ofBytes bytes

theorem Witness.bytes_are_those_of_their_number : ∃ (_ : Bytes), True :=
  ⟨[0, 255, 7], trivial⟩

theorem Proof.a_number_has_the_bytes_of_its_width : Claim.a_number_has_the_bytes_of_its_width := by
  intro width n
  exact Bytes.length_toBytes width n

theorem Witness.a_number_has_the_bytes_of_its_width : ∃ (_ _ : Nat), True :=
  ⟨3, 256, trivial⟩

theorem Proof.bytes_stand_for_a_number_of_their_width :
    Claim.bytes_stand_for_a_number_of_their_width := by
  intro bytes
  exact Bytes.ofBytes_lt bytes

theorem Witness.bytes_stand_for_a_number_of_their_width : ∃ (_ : Bytes), True :=
  ⟨[255, 255], trivial⟩

end Omega
