module

public import Omega.Spec.Key

/-!
# Events and section files

What a section file is made of: events, frames around them, a header before them. An encoder is a
function of what is encoded, a decoder is a function of any bytes that gives nothing where the
bytes are not the encoding of anything.
-/

@[expose] public noncomputable section

namespace Omega

/-!
## Events

Clauses EVT-1 to EVT-4 and BIN-5; `impl/kernel/event`. A frame's body holds
`key[28] | value i32 | dep_count u16 | deps | payload_len u32 | payload`.
-/

/-- An event: its key, its value in thousandths, the keys that it depends on, its payload. -/
structure Event where
  key : Key
  value : Int
  deps : List Key
  payload : Bytes
  deriving DecidableEq

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

/-!
## Frames and section files

Clauses FRM-1 to FRM-6; `impl/kernel/frame`. The check, CRC-32C in the system, is a parameter:
what is claimed holds whatever it is.
-/

/-- Results can be compared, so that examples are decided. -/
instance {ε α : Type} [DecidableEq ε] [DecidableEq α] : DecidableEq (Except ε α)
  | .ok a, .ok b =>
    if h : a = b then isTrue (congrArg _ h) else isFalse fun e => h (Except.ok.inj e)
  | .error a, .error b =>
    if h : a = b then isTrue (congrArg _ h) else isFalse fun e => h (Except.error.inj e)
  | .ok _, .error _ => isFalse fun e => nomatch e
  | .error _, .ok _ => isFalse fun e => nomatch e

namespace Frame

/-- What is wrong with a file, in the words of FRM-5. -/
inductive Kind where
  | badHeader | badMagic | badVersion | frameLength | tornTail | frameCrc | badEvent
  deriving DecidableEq

/-- The first thing wrong with a file: its kind and the offset of the frame, or 0 for the header. -/
structure Damage where
  kind : Kind
  offset : Nat
  deriving DecidableEq

/-- FRM-4: the lengths that a body may have. -/
def fits (length : Nat) : Bool := 38 ≤ length && length ≤ 2 ^ 24

/-- FRM-3: a frame around a body. -/
def encode (crc : Bytes → Fin (2 ^ 32)) (body : Bytes) : Bytes :=
  let length := toBytes 4 body.length
  length ++ toBytes 4 (crc (length ++ body)).val ++ body

/-- The frames around bodies, one behind the other. -/
def encodeAll (crc : Bytes → Fin (2 ^ 32)) (bodies : List Bytes) : Bytes :=
  bodies.flatMap (encode crc)

/-- FRM-6: the first frame's body and what is behind the frame. -/
def next (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) : Except Kind (Bytes × Bytes) :=
  match splitBytes 4 bytes with
  | none => .error .tornTail
  | some (length, rest) =>
    if !fits (ofBytes length) then .error .frameLength else
    match splitBytes (4 + ofBytes length) rest with
    | none => .error .tornTail
    | some (framed, rest) =>
      let body := framed.drop 4
      if ofBytes (framed.take 4) = (crc (length ++ body)).val then .ok (body, rest)
      else .error .frameCrc

/-- FRM-6: what is wrong with the first frame of the bytes. -/
def wrongWithFrame (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) : Option Kind :=
  match next crc bytes with
  | .error kind => some kind
  | .ok (body, _) => if (Event.decode body).isNone then some .badEvent else none

/-- FRM-6: the walk over frames up to the end of the bytes, of which the first stands at `offset`.
`judge` makes of a body what it is, or finds it bad. A frame has more than one byte, so that as
many steps as there are bytes are enough. -/
def walk {α : Type} (crc : Bytes → Fin (2 ^ 32)) (judge : Bytes → Option α) :
    (steps offset : Nat) → Bytes → Except Damage (List α)
  | _, _, [] => .ok []
  | 0, offset, _ => .error ⟨.tornTail, offset⟩
  | steps + 1, offset, bytes =>
    match next crc bytes with
    | .error kind => .error ⟨kind, offset⟩
    | .ok (body, rest) =>
      match judge body with
      | none => .error ⟨.badEvent, offset⟩
      | some content =>
        match walk crc judge steps (offset + 8 + body.length) rest with
        | .error damage => .error damage
        | .ok contents => .ok (content :: contents)

/-- The bodies of the frames that the bytes are. -/
def bodies (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) : Except Damage (List Bytes) :=
  walk crc some bytes.length 0 bytes

/-- FRM-1: the eight bytes `OMEGALOG`. -/
def magic : Bytes := [79, 77, 69, 71, 65, 76, 79, 71]

/-- FRM-1: the header's bytes that its crc is made of. -/
def headerFront (node : Fin (2 ^ 32)) : Bytes :=
  magic ++ toBytes 2 1 ++ toBytes 2 0 ++ toBytes 4 node.val ++ List.replicate 12 0

/-- FRM-1: the 32 bytes of a header. -/
def encodeHeader (crc : Bytes → Fin (2 ^ 32)) (node : Fin (2 ^ 32)) : Bytes :=
  headerFront node ++ toBytes 4 (crc (headerFront node)).val

/-- FRM-1 to FRM-3: a file of events. -/
def encodeFile (crc : Bytes → Fin (2 ^ 32)) (node : Fin (2 ^ 32)) (events : List Event) : Bytes :=
  encodeHeader crc node ++ encodeAll crc (events.map Event.encode)

/-- FRM-6: the node that the header at the start of a file names. -/
def decodeHeader (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) : Except Kind (Fin (2 ^ 32)) :=
  let field (start length : Nat) := (file.drop start).take length
  if file.length < 32 then .error .badHeader
  else if field 0 8 ≠ magic then .error .badMagic
  else if field 8 2 ≠ toBytes 2 1 then .error .badVersion
  else if ofBytes (field 28 4) ≠ (crc (field 0 28)).val then .error .badHeader
  else if field 10 2 ≠ toBytes 2 0 then .error .badHeader
  else if field 16 12 ≠ List.replicate 12 0 then .error .badHeader
  else .ok ⟨ofBytes (field 12 4) % 2 ^ 32, Nat.mod_lt _ (by decide)⟩

/-- FRM-6: a file's node and events, or the first thing wrong with it. -/
def decodeFile (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) :
    Except Damage (Fin (2 ^ 32) × List Event) :=
  match decodeHeader crc file with
  | .error kind => .error ⟨kind, 0⟩
  | .ok node =>
    match walk crc Event.decode file.length 32 (file.drop 32) with
    | .error damage => .error damage
    | .ok events => .ok (node, events)

end Frame

namespace Claim
open Frame

/-- Frames are read back from their concatenation. -/
def frames_are_read_back : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (list : List Bytes), (∀ body ∈ list, fits body.length) →
    bodies crc (encodeAll crc list) = .ok list

/-- Bytes that are read as frames are the concatenation of these frames. -/
def what_is_read_as_frames_is_their_concatenation : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) (list : List Bytes),
    bodies crc bytes = .ok list → encodeAll crc list = bytes

/-- What is read as a frame's body has a length that a body may have. -/
def bodies_that_are_read_fit : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (bytes : Bytes) (list : List Bytes) (body : Bytes),
    bodies crc bytes = .ok list → body ∈ list → fits body.length

/-- A concatenation of frames parses one way only: two lists of bodies whose frames are the same
bytes are the same list. -/
def frames_parse_one_way_only : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (ours theirs : List Bytes),
    (∀ body ∈ ours, fits body.length) → (∀ body ∈ theirs, fits body.length) →
    encodeAll crc ours = encodeAll crc theirs → ours = theirs

/-- A section's node and events are read back from its file. -/
def file_is_read_back : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (node : Fin (2 ^ 32)) (events : List Event),
    (∀ e ∈ events, e.Valid) → decodeFile crc (encodeFile crc node events) = .ok (node, events)

/-- What is read as a file encodes back to the same bytes: a section has one file. -/
def file_that_is_read_is_its_encoding : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (node : Fin (2 ^ 32)) (events : List Event),
    decodeFile crc file = .ok (node, events) → encodeFile crc node events = file

/-- All events that are read from a file are valid. -/
def events_that_are_read_from_a_file_are_valid : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (node : Fin (2 ^ 32)) (events : List Event)
    (e : Event), decodeFile crc file = .ok (node, events) → e ∈ events → e.Valid

/-- What is wrong with a file is the first thing wrong with it: its header, or else the first frame
that is not a good one. The bytes before that frame are a whole file of valid events. -/
def damage_of_a_file_is_the_first : Prop :=
  ∀ (crc : Bytes → Fin (2 ^ 32)) (file : Bytes) (damage : Damage),
    decodeFile crc file = .error damage →
    damage.offset = 0 ∧ decodeHeader crc file = .error damage.kind ∨
      32 ≤ damage.offset ∧ damage.offset < file.length ∧
        wrongWithFrame crc (file.drop damage.offset) = some damage.kind ∧
        ∃ (node : Fin (2 ^ 32)) (events : List Event), (∀ e ∈ events, e.Valid) ∧
          file.take damage.offset = encodeFile crc node events

end Claim

end Omega
