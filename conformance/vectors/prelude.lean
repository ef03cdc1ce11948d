@[expose] public noncomputable section

open Omega

namespace Vectors

/-! # Values as the vectors write them -/

/-- The bytes of `n`, the first `width` of them in front of `behind`. -/
def bytesOnto : (width n : Nat) → (behind : Bytes) → Bytes
  | 0, _, behind => behind
  | width + 1, n, behind => bytesOnto width (n / 256) (Fin.ofNat 256 n :: behind)

/-- `width` bytes, as one number. -/
def bytes (width n : Nat) : Bytes := bytesOnto width n []

/-- A key by its fields. -/
def key (lamport node stream event : Nat) : Key :=
  ⟨Fin.ofNat _ lamport, Fin.ofNat _ node, Fin.ofNat _ stream, Fin.ofNat _ event⟩

/-- The key of this K. -/
def k (n : Nat) : Key := Key.ofNat n

/-- An entry of an index by its fields. -/
def entry (key : Key) (source offset : Nat) : Order.Entry :=
  ⟨key, Fin.ofNat _ source, Fin.ofNat _ offset⟩

/-- An envelope by its fields. -/
def envelope (certId : Bytes) (certType : Nat) (traceRoot : Bytes) (batchId : Nat)
    (bodyHash prev : Bytes) : Envelope :=
  ⟨certId, Fin.ofNat _ certType, traceRoot, Fin.ofNat _ batchId, bodyHash, prev⟩

/-! # CRC-32C, bit by bit (FRM-1, FRM-3) -/

/-- `f n`, with `n` computed first: a number that is computed later is computed again and again. -/
def computed {α : Type} (n : Nat) (f : Nat → α) : α :=
  match n with
  | 0 => f 0
  | n + 1 => f (n + 1)

/-- One bit of the division by the polynomial of Castagnoli, its bits the other way round. -/
def crcBit (crc : Nat) : Nat := Nat.xor (crc / 2) (crc % 2 * 0x82f63b78)

/-- So many bits. -/
def crcBits : (count crc : Nat) → Nat
  | 0, crc => crc
  | count + 1, crc => computed (crcBit crc) (crcBits count)

/-- The remainder, one byte after the other. -/
def crcOf : (crc : Nat) → Bytes → Nat
  | crc, [] => crc
  | crc, byte :: rest => computed (crcBits 8 (Nat.xor crc byte.val)) fun crc => crcOf crc rest

/-- CRC-32C. -/
def crc32c (input : Bytes) : Fin (2 ^ 32) := Fin.ofNat _ (Nat.xor (crcOf 0xffffffff input) 0xffffffff)

/-! # Hashes -/

/-- A hash that is known at some inputs. -/
def hashes (known : List (Bytes × Bytes)) (input : Bytes) : Bytes :=
  (known.lookup input).getD []

/-- A name of a tree, in 32 bytes. -/
def named (name : Bytes) : Bytes := (name ++ List.replicate 32 0).take 32

/-- The part of a name that says something. -/
def name (hash : Bytes) : Bytes := hash.filter (· ≠ 0)

/-- A hash for trees that is told apart by what it is of, as long as that is no more than 16 leaves of
one byte, not 0 and not 1: such a leaf's is the byte, a node's is 1 and the names of the two below. -/
def shape : Bytes → Bytes
  | [] => named [255]
  | tag :: rest =>
    if tag = 0 then named rest else named (1 :: (name (rest.take 32) ++ name (rest.drop 32)))

/-! # The quorum -/

/-- That a member has signed what a statement says, with the signature. -/
structure Signed where
  member : Nat
  statement : Quorum.Statement
  signature : Nat
  deriving DecidableEq

/-- A member, of so many peers, where the hashes of envelopes, what has been signed, and which contents
break rules that the specification leaves to the config, are known. -/
def config (chain peers self : Nat) (hashes : List (Quorum.Envelope × Nat))
    (unfit : List Quorum.Content) (signed : List Signed) : Quorum.Config where
  chain := chain
  members := peers + 1
  self := Fin.ofNat (peers + 1) self
  hash envelope := (hashes.lookup envelope).getD 0
  fits _ content := !unfit.any fun c => decide (c = content)
  sign statement :=
    ((signed.find? fun s => decide (s.member = self ∧ s.statement = statement)).map
      Signed.signature).getD 0
  verify member statement signature :=
    signed.any fun s => decide (s = ⟨member, statement, signature⟩)

end Vectors

open Vectors

set_option maxRecDepth 1000000
set_option maxHeartbeats 0
