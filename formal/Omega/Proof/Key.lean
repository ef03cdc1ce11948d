module

public import Omega.Spec.Key

/-! # Proofs about bytes and the ordering key -/

@[expose] public noncomputable section

namespace Omega

/-! ## Bytes -/

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

/-! ## The ordering key -/

namespace Key

theorem lt_iff {a b : Key} : a < b ↔ a.toNat < b.toNat := Iff.rfl

theorem le_iff {a b : Key} : a ≤ b ↔ a.toNat ≤ b.toNat := Iff.rfl

theorem toNat_inj {a b : Key} (h : a.toNat = b.toNat) : a = b := by
  cases a; cases b
  simp only [Key.toNat, Key.mk.injEq, Fin.ext_iff] at *
  omega

theorem toNat_lt (k : Key) : k.toNat < 2 ^ 224 := by
  unfold Key.toNat
  omega

theorem toNat_ofNat {n : Nat} (h : n < 2 ^ 224) : (ofNat n).toNat = n := by
  simp only [Key.toNat, ofNat]
  omega

theorem ofNat_toNat (k : Key) : ofNat k.toNat = k :=
  toNat_inj (toNat_ofNat (toNat_lt k))

theorem lt_iff_fields (a b : Key) :
    a < b ↔
      a.lamport < b.lamport ∨ a.lamport = b.lamport ∧
        (a.node < b.node ∨ a.node = b.node ∧
          (a.stream < b.stream ∨ a.stream = b.stream ∧ a.event < b.event)) := by
  rw [lt_iff]
  cases a; cases b
  simp only [Key.toNat, Fin.ext_iff, Fin.lt_def]
  omega

/-- A key at or before another has a Lamport time at or before its. -/
theorem lamport_le_of_le {a b : Key} (h : a ≤ b) : a.lamport ≤ b.lamport := by
  rw [le_iff] at h
  simp only [Key.toNat] at h
  rw [Fin.le_def]
  omega

theorem length_encode (k : Key) : k.encode.length = 28 := Bytes.length_toBytes _ _

theorem ofBytes_encode (k : Key) : ofBytes k.encode = k.toNat :=
  Bytes.ofBytes_toBytes (Nat.lt_of_lt_of_le (toNat_lt k) (by decide))

theorem encode_inj {a b : Key} (h : a.encode = b.encode) : a = b := by
  apply toNat_inj
  rw [← ofBytes_encode a, ← ofBytes_encode b, h]

theorem decode_encode (k : Key) : decode k.encode = some k := by
  unfold decode
  rw [if_pos (length_encode k), ofBytes_encode, ofNat_toNat]

theorem encode_of_decode {bytes : Bytes} {k : Key} (h : decode bytes = some k) :
    k.encode = bytes := by
  unfold decode at h
  split at h
  case isTrue hl =>
    cases h
    have hlt := Bytes.ofBytes_lt bytes
    rw [hl] at hlt
    unfold encode
    rw [toNat_ofNat (Nat.lt_of_lt_of_le hlt (by decide)), Bytes.toBytes_ofBytes_of_length hl]
  case isFalse => cases h

theorem decode_eq_none_iff {bytes : Bytes} : decode bytes = none ↔ bytes.length ≠ 28 := by
  unfold decode
  split <;> simp_all

theorem encode_fields (k : Key) :
    k.encode =
      toBytes 8 k.lamport.val ++ toBytes 4 k.node.val ++ toBytes 2 k.stream.val ++
        toBytes 14 k.event.val := by
  apply Bytes.ofBytes_inj
  · simp only [length_encode, List.length_append, Bytes.length_toBytes]
  · rw [ofBytes_encode]
    simp only [Bytes.ofBytes_append, Bytes.length_toBytes, Key.toNat]
    rw [Bytes.ofBytes_toBytes (width := 8) (by omega), Bytes.ofBytes_toBytes (width := 4) (by omega),
      Bytes.ofBytes_toBytes (width := 2) (by omega), Bytes.ofBytes_toBytes (width := 14) (by omega)]
    omega

end Key

namespace Bytes

/-- Strings of one length compare as the numbers that they stand for. -/
theorem compareBytes_eq {a b : Bytes} (h : a.length = b.length) :
    compareBytes a b =
      if ofBytes a < ofBytes b then .lt else if ofBytes b < ofBytes a then .gt else .eq := by
  induction a generalizing b with
  | nil =>
    cases b with
    | nil => rfl
    | cons y b => simp only [List.length_nil, List.length_cons] at h; omega
  | cons x a ih =>
    cases b with
    | nil => simp only [List.length_nil, List.length_cons] at h; omega
    | cons y b =>
      have hl : a.length = b.length := by simp only [List.length_cons] at h; omega
      have ha := ofBytes_lt a
      have hb := ofBytes_lt b
      have below : ∀ {p q : Nat}, p < q →
          p * 256 ^ b.length + 256 ^ b.length ≤ q * 256 ^ b.length := by
        intro p q hpq
        have := Nat.mul_le_mul_right (256 ^ b.length) hpq
        rwa [Nat.succ_mul] at this
      rw [hl] at ha
      simp only [compareBytes, ofBytes_cons, hl, Fin.lt_def]
      by_cases hxy : x.val < y.val
      · have := below hxy
        rw [if_pos hxy, if_pos (by omega)]
      · by_cases hyx : y.val < x.val
        · have := below hyx
          rw [if_neg hxy, if_pos hyx, if_neg (by omega), if_pos (by omega)]
        · have heq : x.val = y.val := by omega
          rw [if_neg hxy, if_neg hyx, ih hl, heq]
          simp only [Nat.add_lt_add_iff_left]

theorem compareBytes_append (a : Bytes) {rest : Bytes} (h : rest ≠ []) :
    compareBytes a (a ++ rest) = .lt := by
  induction a with
  | nil =>
    cases rest with
    | nil => exact absurd rfl h
    | cons y rest => rfl
  | cons x a ih =>
    have hx : ¬ x < x := Nat.lt_irrefl x.val
    rw [List.cons_append, compareBytes, if_neg hx, if_neg hx, ih]

theorem compareBytes_gt_iff (a b : Bytes) :
    compareBytes a b = .gt ↔ compareBytes b a = .lt := by
  induction a generalizing b with
  | nil => cases b <;> simp only [compareBytes, reduceCtorEq]
  | cons x a ih =>
    cases b with
    | nil => simp only [compareBytes]
    | cons y b =>
      simp only [compareBytes]
      by_cases hxy : x < y
      · have hyx : ¬ y < x := Nat.lt_asymm hxy
        simp only [hxy, hyx, ↓reduceIte, reduceCtorEq]
      · by_cases hyx : y < x
        · simp only [hxy, hyx, ↓reduceIte]
        · simp only [hxy, hyx, ↓reduceIte, ih b]

end Bytes

theorem Key.compare_eq (a b : Key) :
    Key.compare a b = if a < b then .lt else if b < a then .gt else .eq := by
  have h := Bytes.compareBytes_eq ((Key.length_encode a).trans (Key.length_encode b).symm)
  rw [Key.ofBytes_encode, Key.ofBytes_encode] at h
  exact h

theorem Proof.packing_is_injective : Claim.packing_is_injective := by
  intro a b h
  exact Key.toNat_inj h

theorem Witness.packing_is_injective :
    ∃ (a b : Key), ∃ (_ : a.toNat = b.toNat), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 4⟩, rfl, trivial⟩

theorem Proof.packing_is_below_two_to_the_224 : Claim.packing_is_below_two_to_the_224 := by
  intro k
  exact Key.toNat_lt k

theorem Witness.packing_is_below_two_to_the_224 : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

theorem Proof.every_number_of_224_bits_is_a_key : Claim.every_number_of_224_bits_is_a_key := by
  intro n h
  exact Key.toNat_ofNat h

theorem Witness.every_number_of_224_bits_is_a_key : ∃ (n : Nat), ∃ (_ : n < 2 ^ 224), True :=
  ⟨2 ^ 224 - 1, by decide, trivial⟩

theorem Proof.keys_are_ordered_field_by_field : Claim.keys_are_ordered_field_by_field := by
  intro a b
  exact Key.lt_iff_fields a b

theorem Witness.keys_are_ordered_field_by_field : ∃ (_ _ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 3, 0, 0⟩, trivial⟩

theorem Proof.no_key_comes_before_itself : Claim.no_key_comes_before_itself := by
  intro k
  exact Nat.lt_irrefl k.toNat

theorem Witness.no_key_comes_before_itself : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

theorem Proof.before_is_transitive : Claim.before_is_transitive := by
  intro a b c hab hbc
  exact Nat.lt_trans (Key.lt_iff.mp hab) (Key.lt_iff.mp hbc)

theorem Witness.before_is_transitive :
    ∃ (a b c : Key), ∃ (_ : a < b) (_ : b < c), True :=
  ⟨⟨1, 9, 9, 9⟩, ⟨2, 0, 0, 7⟩, ⟨2, 0, 0, 8⟩, by decide, by decide, trivial⟩

theorem Proof.of_two_keys_one_comes_first : Claim.of_two_keys_one_comes_first := by
  intro a b h
  exact Nat.lt_or_gt_of_ne (fun e => h (Key.toNat_inj e))

theorem Witness.of_two_keys_one_comes_first : ∃ (a b : Key), ∃ (_ : a ≠ b), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 5⟩, by decide, trivial⟩

theorem Proof.at_or_before_is_before_or_equal : Claim.at_or_before_is_before_or_equal := by
  intro a b
  constructor
  · intro h
    exact (Nat.lt_or_eq_of_le (Key.le_iff.mp h)).imp id Key.toNat_inj
  · rintro (h | rfl)
    · exact Nat.le_of_lt (Key.lt_iff.mp h)
    · exact Nat.le_refl a.toNat

theorem Witness.at_or_before_is_before_or_equal : ∃ (_ _ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 5⟩, trivial⟩

theorem Proof.a_key_has_28_bytes : Claim.a_key_has_28_bytes := by
  intro k
  exact Key.length_encode k

theorem Witness.a_key_has_28_bytes : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

theorem Proof.the_bytes_of_a_key_are_those_of_its_fields :
    Claim.the_bytes_of_a_key_are_those_of_its_fields := by
  intro k
  exact Key.encode_fields k

theorem Witness.the_bytes_of_a_key_are_those_of_its_fields : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

theorem Proof.the_bytes_of_keys_differ : Claim.the_bytes_of_keys_differ := by
  intro a b h
  exact Key.encode_inj h

theorem Witness.the_bytes_of_keys_differ : ∃ (a b : Key), ∃ (_ : a.encode = b.encode), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 4⟩, rfl, trivial⟩

theorem Proof.a_key_is_read_back_from_its_bytes : Claim.a_key_is_read_back_from_its_bytes := by
  intro k
  exact Key.decode_encode k

theorem Witness.a_key_is_read_back_from_its_bytes : ∃ (_ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, trivial⟩

theorem Proof.bytes_read_as_a_key_are_its_bytes : Claim.bytes_read_as_a_key_are_its_bytes := by
  intro bytes k h
  exact Key.encode_of_decode h

theorem Witness.bytes_read_as_a_key_are_its_bytes :
    ∃ (bytes : Bytes) (k : Key), ∃ (_ : Key.decode bytes = some k), True :=
  ⟨_, ⟨1, 2, 3, 4⟩, Key.decode_encode _, trivial⟩

theorem Proof.a_key_of_another_length_is_refused : Claim.a_key_of_another_length_is_refused := by
  intro bytes h
  exact Key.decode_eq_none_iff.mpr h

theorem Witness.a_key_of_another_length_is_refused :
    ∃ (bytes : Bytes), ∃ (_ : bytes.length ≠ 28), True :=
  ⟨List.replicate 27 0, by decide, trivial⟩

theorem Proof.any_28_bytes_are_a_key : Claim.any_28_bytes_are_a_key := by
  intro bytes h
  exact ⟨_, if_pos h⟩

theorem Witness.any_28_bytes_are_a_key : ∃ (bytes : Bytes), ∃ (_ : bytes.length = 28), True :=
  ⟨List.replicate 28 255, by decide, trivial⟩

theorem Proof.bytes_compare_less_where_keys_are_less :
    Claim.bytes_compare_less_where_keys_are_less := by
  intro a b
  rw [Key.compare_eq]
  split
  · simp_all
  · split <;> simp_all

theorem Witness.bytes_compare_less_where_keys_are_less : ∃ (_ _ : Key), True :=
  ⟨⟨255, 0, 0, 0⟩, ⟨256, 0, 0, 0⟩, trivial⟩

theorem Proof.bytes_compare_equal_where_keys_are_equal :
    Claim.bytes_compare_equal_where_keys_are_equal := by
  intro a b
  rw [Key.compare_eq]
  constructor
  · intro h
    split at h
    · cases h
    · split at h
      · cases h
      · rename_i hab hba
        exact Key.toNat_inj (Nat.le_antisymm (Nat.le_of_not_lt hba) (Nat.le_of_not_lt hab))
  · rintro rfl
    have h : ¬ a < a := Nat.lt_irrefl a.toNat
    rw [if_neg h, if_neg h]

theorem Witness.bytes_compare_equal_where_keys_are_equal : ∃ (_ _ : Key), True :=
  ⟨⟨1, 2, 3, 4⟩, ⟨1, 2, 3, 5⟩, trivial⟩

theorem Proof.bytes_compare_greater_where_keys_are_greater :
    Claim.bytes_compare_greater_where_keys_are_greater := by
  intro a b
  rw [Key.compare_eq]
  split
  · rename_i h
    have : ¬ b < a := Nat.lt_asymm (Key.lt_iff.mp h)
    simp_all
  · split <;> simp_all

theorem Witness.bytes_compare_greater_where_keys_are_greater : ∃ (_ _ : Key), True :=
  ⟨⟨256, 0, 0, 0⟩, ⟨255, 0, 0, 0⟩, trivial⟩

theorem Proof.a_beginning_compares_less : Claim.a_beginning_compares_less := by
  intro a rest h
  exact Bytes.compareBytes_append a h

theorem Witness.a_beginning_compares_less : ∃ (_ rest : Bytes), ∃ (_ : rest ≠ []), True :=
  ⟨[1, 2], [0], by decide, trivial⟩

theorem Proof.greater_is_less_the_other_way_round : Claim.greater_is_less_the_other_way_round := by
  intro a b
  exact Bytes.compareBytes_gt_iff a b

theorem Witness.greater_is_less_the_other_way_round : ∃ (_ _ : Bytes), True :=
  ⟨[1, 2], [1, 2, 0], trivial⟩

end Omega
