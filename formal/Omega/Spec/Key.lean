module

/-!
# Bytes and keys

Byte strings, and unsigned integers in big-endian order with a fixed width: what every format of
the system is made of. Then the ordering key.
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

/-!
## The ordering key

Clauses KEY-1 and KEY-2 of the specification; `impl/kernel/key` is the program. A key is 28 bytes,
`lamport u64 | node u32 | stream u16 | event u112`, and as a number
`K = lamport * 2^160 + node * 2^128 + stream * 2^112 + event`. The canonical order of events is the
order of K.
-/

/-- An ordering key: Lamport time, node, stream within the node, event within the stream. -/
structure Key where
  lamport : Fin (2 ^ 64)
  node : Fin (2 ^ 32)
  stream : Fin (2 ^ 16)
  event : Fin (2 ^ 112)
  deriving DecidableEq

namespace Key

/-- K, the key as one number. -/
def toNat (k : Key) : Nat :=
  k.lamport.val * 2 ^ 160 + k.node.val * 2 ^ 128 + k.stream.val * 2 ^ 112 + k.event.val

/-- The key whose K is `n`. What `n` has beyond 224 bits is lost. -/
def ofNat (n : Nat) : Key where
  lamport := ⟨n / 2 ^ 160 % 2 ^ 64, Nat.mod_lt _ (by decide)⟩
  node := ⟨n / 2 ^ 128 % 2 ^ 32, Nat.mod_lt _ (by decide)⟩
  stream := ⟨n / 2 ^ 112 % 2 ^ 16, Nat.mod_lt _ (by decide)⟩
  event := ⟨n % 2 ^ 112, Nat.mod_lt _ (by decide)⟩

/-- The 28 bytes of a key. -/
def encode (k : Key) : Bytes := toBytes 28 k.toNat

/-- The key that bytes are, which must be 28. -/
def decode (bytes : Bytes) : Option Key :=
  if bytes.length = 28 then some (ofNat (ofBytes bytes)) else none

instance : LT Key := ⟨fun a b => a.toNat < b.toNat⟩
instance : LE Key := ⟨fun a b => a.toNat ≤ b.toNat⟩
instance (a b : Key) : Decidable (a < b) := inferInstanceAs (Decidable (a.toNat < b.toNat))
instance (a b : Key) : Decidable (a ≤ b) := inferInstanceAs (Decidable (a.toNat ≤ b.toNat))

end Key

/-- Two strings of bytes compared from the left: the first byte that differs decides, and a string
comes after its own beginnings. Go has it as `bytes.Compare`. -/
def compareBytes : (a b : Bytes) → Ordering
  | [], [] => .eq
  | [], _ :: _ => .lt
  | _ :: _, [] => .gt
  | x :: a, y :: b => if x < y then .lt else if y < x then .gt else compareBytes a b

/-- Two keys compared by their bytes (KEY-2). `impl/kernel/key` has it as `Compare`. -/
def Key.compare (a b : Key) : Ordering := compareBytes a.encode b.encode

namespace Claim

/-- K tells keys apart: no two keys have one K. -/
def packing_is_injective : Prop :=
  ∀ (a b : Key), a.toNat = b.toNat → a = b

/-- K has 224 bits. -/
def packing_is_below_two_to_the_224 : Prop :=
  ∀ (k : Key), k.toNat < 2 ^ 224

/-- Every number of 224 bits is the K of a key. -/
def every_number_of_224_bits_is_a_key : Prop :=
  ∀ (n : Nat), n < 2 ^ 224 → (Key.ofNat n).toNat = n

/-- Keys are ordered by Lamport time, of the same by node, of the same by stream, of the same by
event. -/
def keys_are_ordered_field_by_field : Prop :=
  ∀ (a b : Key),
    a < b ↔
      a.lamport < b.lamport ∨ a.lamport = b.lamport ∧
        (a.node < b.node ∨ a.node = b.node ∧
          (a.stream < b.stream ∨ a.stream = b.stream ∧ a.event < b.event))

/-- No key comes before itself. -/
def no_key_comes_before_itself : Prop :=
  ∀ (k : Key), ¬ k < k

/-- What comes before a key comes before whatever comes after it. -/
def before_is_transitive : Prop :=
  ∀ (a b c : Key), a < b → b < c → a < c

/-- Two keys that differ have an order. -/
def of_two_keys_one_comes_first : Prop :=
  ∀ (a b : Key), a ≠ b → a < b ∨ b < a

/-- At or before is before or equal. -/
def at_or_before_is_before_or_equal : Prop :=
  ∀ (a b : Key), a ≤ b ↔ a < b ∨ a = b

/-- A key has 28 bytes. -/
def a_key_has_28_bytes : Prop :=
  ∀ (k : Key), k.encode.length = 28

/-- The bytes of a key are those of its fields, one after the other (KEY-1). -/
def the_bytes_of_a_key_are_those_of_its_fields : Prop :=
  ∀ (k : Key),
    k.encode =
      toBytes 8 k.lamport.val ++ toBytes 4 k.node.val ++ toBytes 2 k.stream.val ++
        toBytes 14 k.event.val

/-- No two keys have the same bytes. -/
def the_bytes_of_keys_differ : Prop :=
  ∀ (a b : Key), a.encode = b.encode → a = b

/-- A key is read back from its bytes. -/
def a_key_is_read_back_from_its_bytes : Prop :=
  ∀ (k : Key), Key.decode k.encode = some k

/-- Bytes that are read as a key are those of that key: it has no second form. -/
def bytes_read_as_a_key_are_its_bytes : Prop :=
  ∀ (bytes : Bytes) (k : Key), Key.decode bytes = some k → k.encode = bytes

/-- Every other length than 28 is refused. -/
def a_key_of_another_length_is_refused : Prop :=
  ∀ (bytes : Bytes), bytes.length ≠ 28 → Key.decode bytes = none

/-- Any 28 bytes are a key. -/
def any_28_bytes_are_a_key : Prop :=
  ∀ (bytes : Bytes), bytes.length = 28 → ∃ k, Key.decode bytes = some k

/-- Comparing bytes says less if and only if K is less (KEY-2). -/
def bytes_compare_less_where_keys_are_less : Prop :=
  ∀ (a b : Key), Key.compare a b = .lt ↔ a < b

/-- Comparing bytes says equal if and only if the keys are. -/
def bytes_compare_equal_where_keys_are_equal : Prop :=
  ∀ (a b : Key), Key.compare a b = .eq ↔ a = b

/-- Comparing bytes says greater if and only if K is greater. -/
def bytes_compare_greater_where_keys_are_greater : Prop :=
  ∀ (a b : Key), Key.compare a b = .gt ↔ b < a

/-- A string of bytes compares less than every longer one that begins with it. -/
def a_beginning_compares_less : Prop :=
  ∀ (a rest : Bytes), rest ≠ [] → compareBytes a (a ++ rest) = .lt

/-- One string compares greater than another if and only if that compares less than it. -/
def greater_is_less_the_other_way_round : Prop :=
  ∀ (a b : Bytes), compareBytes a b = .gt ↔ compareBytes b a = .lt

end Claim

end Omega
