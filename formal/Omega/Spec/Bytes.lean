module

/-!
# Bytes

Byte strings, and unsigned integers in big-endian order with a fixed width: what every format of
the system is made of.
-/

@[expose] public noncomputable section

namespace Omega

/-- A byte. -/
abbrev Byte := Fin 256

/-- A string of bytes. -/
abbrev Bytes := List Byte

/-- The `width` bytes of `n`, the most significant one first. A number that needs more loses its
high part. -/
def toBytes : (width : Nat) → (n : Nat) → Bytes
  | 0, _ => []
  | width + 1, n => toBytes width (n / 256) ++ [Fin.ofNat 256 n]

/-- The number that bytes stand for, the most significant one first. -/
def ofBytes (bytes : Bytes) : Nat :=
  bytes.foldl (fun n byte => n * 256 + byte.val) 0

namespace Claim

/-- A number that fits into its width is read back from its bytes. -/
def a_number_is_read_back_from_its_bytes : Prop :=
  ∀ (width n : Nat), n < 256 ^ width → ofBytes (toBytes width n) = n

/-- Bytes are those of the number that they stand for: there is no second way to write it. -/
def bytes_are_those_of_their_number : Prop :=
  ∀ (bytes : Bytes), toBytes bytes.length (ofBytes bytes) = bytes

/-- A number has as many bytes as its width says. -/
def a_number_has_the_bytes_of_its_width : Prop :=
  ∀ (width n : Nat), (toBytes width n).length = width

/-- Bytes of a width stand for a number below 256 to its power. -/
def bytes_stand_for_a_number_of_their_width : Prop :=
  ∀ (bytes : Bytes), ofBytes bytes < 256 ^ bytes.length

end Claim

end Omega
