module

public import Omega.Spec.Event

/-!
# The codec of events

Clauses EVT-1 to EVT-4 and BIN-5; `impl/kernel/event`. An encoder is a
function of what is encoded, a decoder is a function of any bytes that gives nothing where the
bytes are not the encoding of anything.
-/

@[expose] public noncomputable section

namespace Omega

/-- The first `n` bytes and the rest; nothing where there are fewer. -/
def splitBytes (n : Nat) (bytes : Bytes) : Option (Bytes × Bytes) :=
  if n ≤ bytes.length then some (bytes.take n, bytes.drop n) else none

/-- The 4 bytes of an i32 in two's complement (BIN-1). -/
def encodeInt32 (value : Int) : Bytes := toBytes 4 (value % 2 ^ 32).toNat

/-- The i32 that 4 bytes stand for (BIN-1). -/
def decodeInt32 (bytes : Bytes) : Int :=
  if ofBytes bytes < 2 ^ 31 then ofBytes bytes else (ofBytes bytes : Int) - 2 ^ 32

namespace Key

/-- The keys that stand one behind the other at the start of the bytes, and the rest. -/
def decodeMany : (count : Nat) → Bytes → Option (List Key × Bytes)
  | 0, bytes => some ([], bytes)
  | count + 1, bytes => do
    let (first, bytes) ← splitBytes 28 bytes
    let key ← decode first
    let (keys, bytes) ← decodeMany count bytes
    return (key :: keys, bytes)

/-- Is each key smaller than the next? (EVT-3) -/
def increasing : List Key → Bool
  | a :: b :: rest => a < b && increasing (b :: rest)
  | _ => true

end Key

namespace Event

/-- The size of the encoding in bytes (EVT-1). -/
def size (e : Event) : Nat := 38 + 28 * e.deps.length + e.payload.length

/-- What an event must be to have an encoding: the value is an i32, at most 65,535 deps, in strictly
increasing order, and at most 16 MiB in all (EVT-1 to EVT-4). -/
structure Valid (e : Event) : Prop where
  value_lower : -2 ^ 31 ≤ e.value
  value_upper : e.value < 2 ^ 31
  dep_count : e.deps.length < 2 ^ 16
  dep_order : Key.increasing e.deps
  max_size : e.size ≤ 2 ^ 24

/-- EVT-1: the bytes of an event. -/
def encode (e : Event) : Bytes :=
  e.key.encode ++ encodeInt32 e.value ++ toBytes 2 e.deps.length ++ e.deps.flatMap Key.encode ++
    toBytes 4 e.payload.length ++ e.payload

/-- EVT-4: the event that bytes are. -/
def decode (bytes : Bytes) : Option Event :=
  if bytes.length < 38 ∨ 2 ^ 24 < bytes.length then none else do
    let (key, rest) ← splitBytes 28 bytes
    let key ← Key.decode key
    let (value, rest) ← splitBytes 4 rest
    let (count, rest) ← splitBytes 2 rest
    let (deps, rest) ← Key.decodeMany (ofBytes count) rest
    let (payloadLength, payload) ← splitBytes 4 rest
    if payload.length = ofBytes payloadLength ∧ Key.increasing deps then
      some { key, value := decodeInt32 value, deps, payload }
    else none

end Event

namespace Claim

/-- Keys are increasing if and only if each is smaller than all that follow: none stands twice. -/
def increasing_keys_are_smaller_than_all_that_follow : Prop :=
  ∀ (keys : List Key), Key.increasing keys ↔ keys.Pairwise (· < ·)

/-- A valid event is read back from its bytes. -/
def event_is_read_back_from_its_bytes : Prop :=
  ∀ (e : Event), e.Valid → Event.decode e.encode = some e

/-- What is read as an event is a valid one. -/
def what_is_read_as_an_event_is_valid : Prop :=
  ∀ (bytes : Bytes) (e : Event), Event.decode bytes = some e → e.Valid

/-- What is read as an event encodes back to the same bytes: an event has one encoding. -/
def bytes_of_an_event_are_its_encoding : Prop :=
  ∀ (bytes : Bytes) (e : Event), Event.decode bytes = some e → e.encode = bytes

/-- Valid events with the same bytes are the same. -/
def encoding_of_events_is_injective : Prop :=
  ∀ (a b : Event), a.Valid → b.Valid → a.encode = b.encode → a = b

/-- An event's encoding has the size that is told of it. -/
def event_has_the_bytes_of_its_size : Prop :=
  ∀ (e : Event), e.encode.length = e.size

end Claim

end Omega
