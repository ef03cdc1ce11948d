module

public import Omega.Spec.Envelope
public import Omega.Spec.Merkle

/-!
# Chains

Clauses CHN-1 to CHN-3, as far as they speak of envelopes, and STA-1; `impl/kernel/cert`. Each
certificate names the one before it by a hash of that one's envelope, so whoever knows the last
hash knows the chain. What a body must say is not here: a body is any bytes.

As with Merkle trees no hash is taken to be injective. The theorems name the byte strings that were
hashed for the chains at hand and find two different ones with the same hash among them.
-/

@[expose] public noncomputable section

namespace Omega

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
