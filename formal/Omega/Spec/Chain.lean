module

public import Omega.Spec.Merkle

/-!
# Envelopes and chains

What the members of a chain sign, and how one certificate follows another. As with Merkle trees no
hash is taken to be injective. The theorems name the byte strings that were hashed for the chains at
hand and find two different ones with the same hash among them.
-/

@[expose] public noncomputable section

namespace Omega

/-!
## Envelopes

Clauses CRT-1 to CRT-3; `impl/kernel/cert`. What the members of a chain sign: 121 bytes
`cert_id u128 | cert_type u8 | trace_root_hash[32] | batch_id u64 | body_hash[32] |
prev_cert_hash[32]`. Any 121 bytes are an envelope; whether its fields hold is for the chain to say.
-/

/-- The fields of an envelope (CRT-1). -/
structure Envelope where
  certId : Bytes
  certType : Byte
  traceRoot : Bytes
  batchId : Fin (2 ^ 64)
  bodyHash : Bytes
  prev : Bytes
  deriving DecidableEq

namespace Envelope

/-- The fields that are bytes have their lengths. -/
structure Sized (e : Envelope) : Prop where
  certId : e.certId.length = 16
  traceRoot : e.traceRoot.length = 32
  bodyHash : e.bodyHash.length = 32
  prev : e.prev.length = 32

/-- The bytes behind cert_id, which it is made of (CRT-3). -/
def tail (e : Envelope) : Bytes :=
  [e.certType] ++ e.traceRoot ++ toBytes 8 e.batchId.val ++ e.bodyHash ++ e.prev

/-- CRT-1: the bytes of an envelope. -/
def encode (e : Envelope) : Bytes := e.certId ++ e.tail

/-- CRT-1: the envelope that bytes are. -/
def decode (bytes : Bytes) : Option Envelope :=
  if bytes.length ≠ 121 then none else
    let field (start length : Nat) := (bytes.drop start).take length
    some {
      certId := field 0 16
      certType := (field 16 1).headD 0
      traceRoot := field 17 32
      batchId := ⟨ofBytes (field 49 8) % 2 ^ 64, Nat.mod_lt _ (by decide)⟩
      bodyHash := field 57 32
      prev := field 89 32 }

/-- CRT-3: what cert_id is made from, `omega/cert-id/v1` with a zero byte. -/
def idTag : Bytes :=
  [111, 109, 101, 103, 97, 47, 99, 101, 114, 116, 45, 105, 100, 47, 118, 49, 0]

/-- CRT-3: the cert_id that an envelope must have. -/
def derivedId (hash : Bytes → Bytes) (e : Envelope) : Bytes := (hash (idTag ++ e.tail)).take 16

end Envelope

namespace Claim
open Envelope

/-- An envelope has 121 bytes. -/
def envelope_has_121_bytes : Prop :=
  ∀ (e : Envelope), e.Sized → e.encode.length = 121

/-- An envelope is read back from its bytes. -/
def envelope_is_read_back_from_its_bytes : Prop :=
  ∀ (e : Envelope), e.Sized → decode e.encode = some e

/-- What is read as an envelope has fields of their lengths. -/
def envelope_that_is_read_is_sized : Prop :=
  ∀ (bytes : Bytes) (e : Envelope), decode bytes = some e → e.Sized

/-- What is read as an envelope encodes back to the same bytes: an envelope has one encoding. -/
def bytes_of_an_envelope_are_its_encoding : Prop :=
  ∀ (bytes : Bytes) (e : Envelope), decode bytes = some e → e.encode = bytes

/-- Exactly the strings of 121 bytes are envelopes. -/
def every_other_length_is_refused : Prop :=
  ∀ (bytes : Bytes), (decode bytes).isSome ↔ bytes.length = 121

/-- Envelopes with the same bytes are the same. -/
def encoding_of_envelopes_is_injective : Prop :=
  ∀ (a b : Envelope), a.Sized → b.Sized → a.encode = b.encode → a = b

/-- An envelope whose cert_id is the derived one is determined by the other 105 bytes. -/
def rest_of_an_envelope_determines_it : Prop :=
  ∀ (hash : Bytes → Bytes) (a b : Envelope), a.Sized → b.Sized →
    a.certId = a.derivedId hash → b.certId = b.derivedId hash → a.tail = b.tail → a = b

end Claim

/-!
## Chains

Clauses CHN-1 to CHN-3, as far as they speak of envelopes, and STA-1; `impl/kernel/cert`. Each
certificate names the one before it by a hash of that one's envelope, so whoever knows the last
hash knows the chain. What a body must say is not here: a body is any bytes.
-/

/-- A certificate without its signatures. -/
structure Certificate where
  envelope : Envelope
  body : Bytes
  deriving DecidableEq

namespace Chain

/-- CRT-3: `omega/cert/v1` with a zero byte. -/
def certTag : Bytes := [111, 109, 101, 103, 97, 47, 99, 101, 114, 116, 47, 118, 49, 0]

/-- CRT-3: `omega/body/v1` with a zero byte. -/
def bodyTag : Bytes := [111, 109, 101, 103, 97, 47, 98, 111, 100, 121, 47, 118, 49, 0]

/-- STA-1: `omega/state/v1` with a zero byte. -/
def stateTag : Bytes := [111, 109, 101, 103, 97, 47, 115, 116, 97, 116, 101, 47, 118, 49, 0]

/-- 32 zero bytes: what stands for the hash before the first. -/
def zeros : Bytes := List.replicate 32 0

/-- CRT-3: a certificate's cert_hash, its digest. -/
def certHash (hash : Bytes → Bytes) (c : Certificate) : Bytes :=
  hash (certTag ++ c.envelope.encode)

/-- CRT-3: the body_hash of a body. -/
def bodyHash (hash : Bytes → Bytes) (body : Bytes) : Bytes := hash (bodyTag ++ body)

/-- CHN-2: the rule that a certificate breaks. -/
inductive Broken where
  | certType | height | prevHash | bodyHash | certId | traceRoot
  deriving DecidableEq

/-- CHN-2, `checkEnvelope`: the first rule that a certificate breaks as the next one of a chain of
the given length with the given last cert_hash. -/
def check (hash : Bytes → Bytes) (length : Nat) (last : Bytes) (c : Certificate) : Option Broken :=
  let e := c.envelope
  if 4 < e.certType.val then some .certType
  else if decide (length = 0) ≠ decide (e.certType.val = 0) then some .certType
  else if e.batchId.val ≠ length then some .height
  else if e.prev ≠ last then some .prevHash
  else if e.bodyHash ≠ bodyHash hash c.body then some .bodyHash
  else if e.certId ≠ e.derivedId hash then some .certId
  else if e.certType.val ≠ 1 ∧ e.traceRoot ≠ Merkle.root hash [] then some .traceRoot
  else none

/-- CHN-2: what a certificate must be to go on a chain of the given length and last cert_hash. -/
structure Keeps (hash : Bytes → Bytes) (length : Nat) (last : Bytes) (c : Certificate) : Prop where
  type_is_known : c.envelope.certType.val ≤ 4
  genesis_is_first : length = 0 ↔ c.envelope.certType.val = 0
  height : c.envelope.batchId.val = length
  prev : c.envelope.prev = last
  body : c.envelope.bodyHash = bodyHash hash c.body
  id : c.envelope.certId = c.envelope.derivedId hash
  trace : c.envelope.certType.val ≠ 1 → c.envelope.traceRoot = Merkle.root hash []

/-- Do the certificates, in their order, go on a chain of the given length and last cert_hash? -/
def goesOn (hash : Bytes → Bytes) : (length : Nat) → (last : Bytes) → List Certificate → Bool
  | _, _, [] => true
  | length, last, c :: rest =>
    check hash length last c = none && goesOn hash (length + 1) (certHash hash c) rest

/-- Are the certificates a chain from its genesis on? -/
def valid (hash : Bytes → Bytes) (chain : List Certificate) : Bool := goesOn hash 0 zeros chain

/-- The last cert_hash after further certificates. -/
def headAfter (hash : Bytes → Bytes) : (last : Bytes) → List Certificate → Bytes
  | last, [] => last
  | _, c :: rest => headAfter hash (certHash hash c) rest

/-- The cert_hash of a chain's last certificate. -/
def head (hash : Bytes → Bytes) (chain : List Certificate) : Bytes := headAfter hash zeros chain

/-- What is hashed for a certificate's digest and for its body's hash. -/
def inputs (chain : List Certificate) : List Bytes :=
  chain.flatMap fun c => [certTag ++ c.envelope.encode, bodyTag ++ c.body]

/-- STA-1: the state after a merge. -/
def nextState (hash : Bytes → Bytes) (state traceRoot : Bytes) : Bytes :=
  hash (stateTag ++ (state ++ traceRoot))

/-- STA-1: the state after merges with the given trace roots. -/
def stateAfter (hash : Bytes → Bytes) : (state : Bytes) → (traceRoots : List Bytes) → Bytes
  | state, [] => state
  | state, root :: rest => stateAfter hash (nextState hash state root) rest

/-- What is hashed for the states after merges. -/
def stateInputs (hash : Bytes → Bytes) : (state : Bytes) → (traceRoots : List Bytes) → List Bytes
  | _, [] => []
  | state, root :: rest =>
    (stateTag ++ (state ++ root)) :: stateInputs hash (nextState hash state root) rest

end Chain

namespace Claim
open Chain

/-- Exactly the certificates that keep all the rules go on a chain. -/
def certificates_that_keep_the_rules_go_on_a_chain : Prop :=
  ∀ (hash : Bytes → Bytes) (length : Nat) (last : Bytes) (c : Certificate),
    check hash length last c = none ↔ Keeps hash length last c

/-- Two chains with the same last cert_hash are the same chain, envelopes and bodies, or two
different byte strings that were hashed for them have the same hash. They need not be equally
long. -/
def chains_with_one_head_are_equal_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (ours theirs : List Certificate),
    (∀ c ∈ ours, c.envelope.Sized) → (∀ c ∈ theirs, c.envelope.Sized) →
    valid hash ours → valid hash theirs → ours ≠ [] → theirs ≠ [] →
    head hash ours = head hash theirs → ours ≠ theirs →
    CollisionBetween hash (inputs ours) (inputs theirs)

/-- A certificate's batch_id is its place in the chain, counted from 0: heights have no gap. -/
def height_is_the_place_in_the_chain : Prop :=
  ∀ (hash : Bytes → Bytes) (chain : List Certificate) (i : Fin chain.length),
    valid hash chain → chain[i].envelope.batchId.val = i.val

/-- The first certificate of a chain, and no other, is a genesis. -/
def genesis_is_first_and_only_there : Prop :=
  ∀ (hash : Bytes → Bytes) (chain : List Certificate) (i : Fin chain.length),
    valid hash chain → (chain[i].envelope.certType = 0 ↔ i.val = 0)

/-- Each certificate names the cert_hash of what stands before it. -/
def prev_is_the_head_before : Prop :=
  ∀ (hash : Bytes → Bytes) (chain : List Certificate) (i : Fin chain.length),
    valid hash chain → chain[i].envelope.prev = head hash (chain.take i.val)

/-- The beginning of a chain is a chain. -/
def beginning_of_a_chain_is_a_chain : Prop :=
  ∀ (hash : Bytes → Bytes) (chain : List Certificate) (n : Nat),
    valid hash chain → valid hash (chain.take n)

/-- Equally many merges that lead to the same state have the same trace roots, or two different
byte strings that were hashed for the states have the same hash. -/
def merges_with_one_state_are_equal_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (ours theirs : List Bytes),
    (∀ input, (hash input).length = 32) →
    ours.length = theirs.length → stateAfter hash zeros ours = stateAfter hash zeros theirs →
    ours ≠ theirs →
    CollisionBetween hash (stateInputs hash zeros ours) (stateInputs hash zeros theirs)

/-- So do any two sequences of merges, or else one of these byte strings has the hash of 32 zero
bytes, which stand for the state before the first merge. -/
def merges_of_any_number_are_equal_or_collide : Prop :=
  ∀ (hash : Bytes → Bytes) (ours theirs : List Bytes),
    (∀ input, (hash input).length = 32) →
    stateAfter hash zeros ours = stateAfter hash zeros theirs → ours ≠ theirs →
    CollisionBetween hash (stateInputs hash zeros ours) (stateInputs hash zeros theirs) ∨
      ∃ input ∈ stateInputs hash zeros ours ++ stateInputs hash zeros theirs, hash input = zeros

end Claim

end Omega
