module

public import Omega.Spec.Bytes

/-!
# The quorum: what members say, know and do

The data of the clauses QRM-1 to QRM-8, QRM-21 and CRT-2, as `impl/kernel/quorum` has them in
`message.go`, `effect.go`, `durable.go` and `quorum.go`. What is left out, or is more abstract:

* a hash, a signature, a nonce is a number, and the hash, the signing and the verifying are given by
  `Config`, with nothing assumed of them;
* a signature is over a `Statement` rather than over its bytes, and a disk holds a `Durable` rather
  than its bytes: how both are written is the codec's concern;
* of an envelope, what the quorum looks at stands by itself, all else is one number; the rules of
  CHN-2 for that and for the body are the config's `fits`;
* the roster stays the same. The step in Go ends at the certificate of a roster change, which is
  adopted only, never voted for (QRM-22); here such a certificate is refused;
* a config is of the state's chain and roster: Go compares them.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-- A cert_hash, as a number. The name of a chain is one too. -/
abbrev Digest := Nat

/-- A signature, as a number. -/
abbrev Signature := Nat

/-- The nonce of a start, as a number. -/
abbrev Nonce := Nat

/-- A member: its index in the roster, from 0. -/
abbrev Member := Nat

/-- An envelope (CRT-2). `rest` stands for the fields that the quorum never looks at. -/
structure Envelope where
  kind : Nat
  height : Nat
  previous : Digest
  rest : Nat
  deriving DecidableEq

/-- A certificate before its signatures: an envelope and its body (`Content`). -/
structure Content where
  envelope : Envelope
  body : Bytes
  deriving DecidableEq

/-- A certificate: a content, and one signature of each member, in the roster's order. -/
structure Certificate where
  content : Content
  signatures : List Signature
  deriving DecidableEq

/-- What is known of a chain: its last certificate's hash, the height of the next certificate, and
the envelopes so far, the newest first (`cert.Chain`). -/
structure Chain where
  head : Digest
  height : Nat
  past : List Envelope
  deriving DecidableEq

/-- What one known member signed in one attempt at one known height (QRM-3). -/
structure SignedPrepare where
  attempt : Nat
  digest : Digest
  signature : Signature
  deriving DecidableEq

/-- One known member's vote, with the envelope that it is for (QRM-4). -/
structure SignedCommit where
  envelope : Envelope
  vote : Signature
  deriving DecidableEq

/-- N equal prepares of one attempt at one known height (QRM-5). -/
structure Proof where
  attempt : Nat
  digest : Digest
  signatures : List Signature
  deriving DecidableEq

/-- What is signed: a prepare (QRM-3), a vote (CRT-5), a resync (QRM-7), a reply (QRM-8). -/
inductive Statement where
  | prepare (chain : Digest) (height attempt : Nat) (digest : Digest)
  | vote (chain : Digest) (digest : Digest)
  | resync (chain : Digest) (sender : Member) (height : Nat) (nonce : Nonce)
  | reply (chain : Digest) (sender receiver : Member) (height : Nat) (nonce : Nonce)
      (prepare : Option SignedPrepare) (commit : Option SignedCommit)
  deriving DecidableEq

/-- A prepare on its way, with the highest proof that its sender knows (QRM-3). -/
structure Prepare where
  chain : Digest
  sender : Member
  height : Nat
  signed : SignedPrepare
  proof : Option Proof
  deriving DecidableEq

/-- A commit on its way, with the highest proof that its sender knows (QRM-4). -/
structure Commit where
  chain : Digest
  sender : Member
  signed : SignedCommit
  proof : Option Proof
  deriving DecidableEq

/-- A member asks what is held of it at its height (QRM-7). -/
structure Resync where
  chain : Digest
  sender : Member
  height : Nat
  nonce : Nonce
  signature : Signature
  deriving DecidableEq

/-- What the sender holds of the receiver's at the height (QRM-8). -/
structure Reply where
  chain : Digest
  sender : Member
  receiver : Member
  height : Nat
  nonce : Nonce
  prepare : Option SignedPrepare
  commit : Option SignedCommit
  signature : Signature
  deriving DecidableEq

/-- A message that travels between members (QRM-1). -/
inductive Wire where
  | prepare (message : Prepare)
  | commit (message : Commit)
  | decided (certificate : Certificate)
  | resync (message : Resync)
  | reply (message : Reply)
  deriving DecidableEq

/-- What of a member survives a crash (QRM-21). -/
structure Durable where
  chain : Digest
  height : Nat
  prepare : Option SignedPrepare
  proof : Option Proof
  lock : Option Proof
  candidates : List Content
  deriving DecidableEq

/-- What a step takes: a message of a member, or one of the four of its own shell (QRM-9). -/
inductive Message where
  | wire (message : Wire)
  | start (disk : Option Durable) (nonce : Nonce)
  | candidate (attempt : Nat) (content : Content)
  | tick
  | timeout
  deriving DecidableEq

/-- Two signed messages of one member that an honest one would never both sign (QRM-19). -/
structure Evidence where
  member : Member
  first : Wire
  second : Wire
  deriving DecidableEq

/-- What halted a member (QRM-18). -/
inductive Reason where
  | unknownPrepare
  | unknownCommit
  | fork
  deriving DecidableEq

/-- A halt, with both sides shown: the newest prepare of its own that the member knows, and what it
has seen (QRM-18). -/
structure Halt where
  reason : Reason
  height : Nat
  disk : Option Prepare
  seen : Wire
  deriving DecidableEq

/-- What the shell does for a step. Without a receiver, a message is for everyone else (QRM-9). -/
inductive Effect where
  | persist (durable : Durable)
  | send (receiver : Option Member) (message : Wire)
  | append (certificate : Certificate)
  | announce (certificate : Certificate)
  | sendCertificate (receiver : Member) (height : Nat)
  | needCandidate (height attempt : Nat) (digest : Option Digest)
  | behind (height : Nat)
  | evidence (evidence : Evidence)
  | halt (halt : Halt)
  deriving DecidableEq

/-- Why a message is refused (QRM-22; `errors.go`). -/
inductive Refusal where
  | notStarted
  | started
  | halted
  | wrongChain
  | wrongHeight
  | unknownMember
  | notAddressee
  | signature
  | nonce
  | proof
  | staleAttempt
  | wrongAttempt
  | prepared
  | notPrepared
  | notReady
  | candidate
  | unwanted
  | certificate
  | disk
  | diskAhead
  deriving DecidableEq

/-- What is held of one member's prepares: that of the current attempt, and that of the highest
attempt seen (`Held`). -/
structure Held where
  current : Option SignedPrepare := none
  newest : Option SignedPrepare := none
  deriving DecidableEq

/-- All that a member knows (`State`). `answered`, `prepares` and `commits` are by member, this one
included. -/
structure State where
  chain : Chain
  started : Bool
  nonce : Nonce
  answered : List Bool
  attempt : Nat
  candidates : List Content
  own : Option Digest
  proof : Option Proof
  lock : Option Proof
  prepares : List Held
  commits : List (Option SignedCommit)
  evidence : List Evidence
  halted : Option Halt
  deriving DecidableEq

/-- What a member is: of which chain, of how many members, which of them; with the hash of an
envelope (CRT-3), the rules of CHN-2 that are not spelled out here, its signing key, and the
verifying of any member's signature. -/
structure Config where
  chain : Digest
  members : Nat
  self : Fin members
  hash : Envelope → Digest
  fits : Chain → Content → Bool
  sign : Statement → Signature
  verify : Member → Statement → Signature → Bool

/-- The digest of a content (CRT-3). -/
def digestOf (config : Config) (content : Content) : Digest :=
  config.hash content.envelope

/-- The content with the digest (`find`). -/
def find (config : Config) (contents : List Content) (digest : Digest) : Option Content :=
  contents.find? fun content => digestOf config content == digest

/-- Whether a prepare at the height is signed by the member (QRM-3). -/
def verifyPrepare (config : Config) (height : Nat) (member : Member) (p : SignedPrepare) : Bool :=
  config.verify member (.prepare config.chain height p.attempt p.digest) p.signature

/-- Whether a vote is signed by the member (QRM-4). -/
def verifyVote (config : Config) (member : Member) (c : SignedCommit) : Bool :=
  config.verify member (.vote config.chain (config.hash c.envelope)) c.vote

/-- The chain with one more certificate. -/
def extend (config : Config) (chain : Chain) (envelope : Envelope) : Chain :=
  { head := config.hash envelope, height := chain.height + 1, past := envelope :: chain.past }

/-- The chain with the content, if it follows the chain (CHN-2 but for the signatures;
`Chain.CheckContent`): a merge, an obstruction or evidence, at the next height, naming the last
certificate, and fit in all else. -/
def follow (config : Config) (chain : Chain) (content : Content) : Option Chain :=
  let e := content.envelope
  if (e.kind == 1 || e.kind == 2 || e.kind == 4) && e.height == chain.height
      && e.previous == chain.head && config.fits chain content then
    some (extend config chain e)
  else
    none

/-- The member's part of a proof (`Proof.part`). -/
def part (proof : Proof) (member : Member) : SignedPrepare :=
  { attempt := proof.attempt, digest := proof.digest,
    signature := proof.signatures.getD member 0 }

/-- Whether a proof holds at the height: N signatures, each of its member's prepare (QRM-5). -/
def proofHolds (config : Config) (height : Nat) (proof : Proof) : Bool :=
  proof.signatures.length == config.members &&
    (List.range config.members).all fun i => verifyPrepare config height i (part proof i)

/-- Whether a certificate has the votes of all N members (QRM-16; `votesVerify`). -/
def votesVerify (config : Config) (certificate : Certificate) : Bool :=
  certificate.signatures.length == config.members &&
    (List.range config.members).all fun i =>
      verifyVote config i ⟨certificate.content.envelope, certificate.signatures.getD i 0⟩

namespace State

/-- The height being agreed on. -/
def height (s : State) : Nat := s.chain.height

/-- What is held of the member's prepares. -/
def held (s : State) (member : Member) : Held := s.prepares.getD member {}

/-- The commit that is held of the member. -/
def commit (s : State) (member : Member) : Option SignedCommit := s.commits.getD member none

/-- Whether the member may sign: it has started, and every peer has answered (QRM-17). -/
def ready (s : State) : Bool := s.started && s.halted.isNone && s.answered.all id

/-- The digest to prepare in this attempt, if there is one yet (QRM-11). -/
def wanted (s : State) : Option Digest :=
  match s.lock, s.proof with
  | some lock, _ => some lock.digest
  | none, some proof => some proof.digest
  | none, none => s.own

end State

/-- The own newest prepare (`mine`). -/
def mine (config : Config) (s : State) : Option SignedPrepare := (s.held config.self).newest

/-- Whether the member has prepared in this attempt (QRM-10). -/
def prepared (config : Config) (s : State) : Bool := (s.held config.self).current.isSome

/-- The state at the start of the height behind the chain (`State.enter`). -/
def fresh (config : Config) (s : State) (chain : Chain) : State :=
  { s with
    chain := chain, attempt := 0, candidates := [], own := none, proof := none, lock := none,
    prepares := List.replicate config.members {}, commits := List.replicate config.members none,
    evidence := [] }

/-- The state of a member that knows its certificates and nothing else (`Begin`). -/
def begin (config : Config) (chain : Chain) : State :=
  { chain := chain, started := false, nonce := 0, answered := [], attempt := 0, candidates := [],
    own := none, proof := none, lock := none, prepares := List.replicate config.members {},
    commits := List.replicate config.members none, evidence := [], halted := none }

end Omega.Quorum
