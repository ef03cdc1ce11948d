module

public import Omega.Spec.Codec

/-!
# Envelopes

Clauses CRT-1 to CRT-3; `impl/kernel/cert`. What the members of a chain sign: 121 bytes
`cert_id u128 | cert_type u8 | trace_root_hash[32] | batch_id u64 | body_hash[32] |
prev_cert_hash[32]`. Any 121 bytes are an envelope; whether its fields hold is for the chain to say
(`Omega.Spec.Chain`).
-/

@[expose] public noncomputable section

namespace Omega

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

end Omega
