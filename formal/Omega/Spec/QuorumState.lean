module

public import Omega.Spec.Key

/-!
# The quorum: what members say, know and do, and the parts of a step

The data of the clauses QRM-1 to QRM-8, QRM-21 and CRT-2, as `impl/kernel/quorum` has them in
`message.go`, `effect.go`, `durable.go` and `quorum.go`. What is left out, or is more abstract:

* a hash, a signature, a nonce is a number, and the hash, the signing and the verifying are given by
  `Config`, with nothing assumed of them;
* a signature is over a `Statement` rather than over its bytes, and a disk holds a `Durable` rather
  than its bytes: how both are written is the codec's concern;
* of an envelope, what the quorum looks at stands by itself, all else is one number; the rules of
  CHN-2 for that and for the body are the config's `fits`;
* the roster stays the same. In Go a roster change is agreed on as any other certificate is, with the
  signatures of those who join in its content (QRM-23), and the step goes on with a new config
  (QRM-24); here such a certificate is refused;
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

/-!
## The parts of a step

What a step is made of: putting on disk and sending, halting and evidence, and what is held of
others. Each function is the one of its name in `impl/kernel/quorum`; a docstring names it where it
is called otherwise there.
-/

/-- One step under way: its state, and the effects so far (`turn`). -/
structure Turn where
  state : State
  effects : List Effect
  deriving DecidableEq

/-- The turn with one more effect (`do`). -/
def Turn.put (t : Turn) (effect : Effect) : Turn :=
  { t with effects := t.effects ++ [effect] }

/-! ### The disk -/

/-- Whether the durable state refers to the digest. -/
def wants (d : Durable) (digest : Digest) : Bool :=
  d.prepare.any (·.digest == digest) || d.proof.any (·.digest == digest)
    || d.lock.any (·.digest == digest)

/-- What of a state survives a crash, without the contents. -/
def skeleton (config : Config) (s : State) : Durable :=
  { chain := config.chain, height := s.height, prepare := mine config s, proof := s.proof,
    lock := s.lock, candidates := [] }

/-- What of a state survives a crash (QRM-21; `durable`). -/
def durable (config : Config) (s : State) : Durable :=
  { skeleton config s with
    candidates := s.candidates.filter fun c => wants (skeleton config s) (digestOf config c) }

/-- Puts on disk what is to survive a crash. -/
def persist (config : Config) (t : Turn) : Turn :=
  t.put (.persist (durable config t.state))

/-- Drops the contents that nothing refers to any more. -/
def prune (config : Config) (s : State) : State :=
  { s with
    candidates := s.candidates.filter fun c =>
      s.own == some (digestOf config c) || wants (skeleton config s) (digestOf config c) }

/-- Puts a content in its place in the order of digests. -/
def place (config : Config) (content : Content) : List Content → List Content
  | [] => [content]
  | first :: rest =>
    if digestOf config content < digestOf config first then content :: first :: rest
    else first :: place config content rest

/-- The contents with one more, unless one of its digest is there. -/
def insert (config : Config) (contents : List Content) (content : Content) : List Content :=
  if (find config contents (digestOf config content)).isSome then contents
  else place config content contents

/-! ### What is sent -/

/-- A prepare of the member at this height, as a message (`prepareOf`). -/
def prepareOf (config : Config) (s : State) (member : Member) (p : SignedPrepare) : Prepare :=
  { chain := config.chain, sender := member, height := s.height, signed := p, proof := none }

/-- A commit of the member, as a message (`commitOf`). -/
def commitOf (config : Config) (member : Member) (c : SignedCommit) : Commit :=
  { chain := config.chain, sender := member, signed := c, proof := none }

/-- Sends the own newest prepare, with the highest proof (QRM-3). -/
def sendPrepare (config : Config) (t : Turn) : Turn :=
  match mine config t.state with
  | none => t
  | some p =>
    t.put (.send none (.prepare { prepareOf config t.state config.self p with
      proof := t.state.proof }))

/-- Sends the own commit, with the highest proof (QRM-4). -/
def sendCommit (config : Config) (t : Turn) : Turn :=
  match t.state.commit config.self with
  | none => t
  | some c =>
    t.put (.send none (.commit { commitOf config config.self c with proof := t.state.proof }))

/-- Sends again the own newest prepare and commit (QRM-14). -/
def resend (config : Config) (t : Turn) : Turn :=
  sendCommit config (sendPrepare config t)

/-- Asks a member, or everyone, what it holds of this member's (QRM-7). -/
def resync (config : Config) (receiver : Option Member) (t : Turn) : Turn :=
  t.put (.send receiver (.resync {
    chain := config.chain, sender := config.self, height := t.state.height, nonce := t.state.nonce,
    signature := config.sign (.resync config.chain config.self t.state.height t.state.nonce) }))

/-- Asks those who have not answered yet. -/
def askSilent (config : Config) (t : Turn) : Turn :=
  (List.range config.members).foldl
    (fun t i => if t.state.answered.getD i true then t else resync config (some i) t) t

/-- Who has answered at the start: the member itself. -/
def onlySelf (config : Config) : List Bool :=
  (List.replicate config.members false).set config.self true

/-! ### Halting and evidence -/

/-- Ends the member's part, with both sides shown (QRM-18). -/
def halt (config : Config) (reason : Reason) (seen : Wire) (t : Turn) : Turn :=
  let h : Halt := {
    reason := reason, height := t.state.height, seen := seen,
    disk := (mine config t.state).map fun p =>
      { prepareOf config t.state config.self p with proof := t.state.lock } }
  Turn.put { t with state := { t.state with halted := some h } } (.halt h)

/-- Whether a prepare that verifies as the member's own is newer than its newest, differs from it,
or came after the lock for another digest (QRM-18). -/
def contradicts (config : Config) (s : State) (p : SignedPrepare) : Bool :=
  match mine config s with
  | none => true
  | some own =>
    decide (own.attempt < p.attempt)
      || p.attempt == own.attempt && p.digest != own.digest
      || s.lock.any fun lock => decide (lock.attempt ≤ p.attempt) && p.digest != lock.digest

/-- Halts at a prepare that verifies as the member's own and contradicts what it knows. -/
def disowned (config : Config) (p : SignedPrepare) (t : Turn) : Turn :=
  if contradicts config t.state p then
    halt config .unknownPrepare (.prepare (prepareOf config t.state config.self p)) t
  else t

/-- Halts at a commit that verifies as the member's own and is not for its lock. -/
def disownedCommit (config : Config) (c : SignedCommit) (t : Turn) : Turn :=
  if t.state.lock.any (·.digest == config.hash c.envelope) then t
  else halt config .unknownCommit (.commit (commitOf config config.self c)) t

/-- Whether a message is a prepare. -/
def isPrepare : Wire → Bool
  | .prepare _ => true
  | _ => false

/-- Whether the first evidence of its kind against the member is known already. -/
def known (s : State) (e : Evidence) : Bool :=
  s.evidence.any fun k => k.member == e.member && isPrepare k.first == isPrepare e.first

/-- Keeps and tells the first evidence of its kind against a member at this height, and says whether
it is (QRM-19). -/
def accuse (e : Evidence) (t : Turn) : Turn × Bool :=
  if known t.state e then (t, false)
  else (Turn.put { t with state := { t.state with evidence := t.state.evidence ++ [e] } }
    (.evidence e), true)

/-- Accuses a member of two prepares of one attempt, if they differ (`compare`). -/
def compare (config : Config) (member : Member) (first second : SignedPrepare) (t : Turn) :
    Turn × Bool :=
  if first.digest = second.digest then (t, false)
  else accuse ⟨member, .prepare (prepareOf config t.state member first),
    .prepare (prepareOf config t.state member second)⟩ t

/-! ### What is held of others -/

/-- The turn with other prepares held of the member. -/
def setHeld (member : Member) (held : Held) (t : Turn) : Turn :=
  { t with state := { t.state with prepares := t.state.prepares.set member held } }

/-- The turn with the commit held of the member. -/
def setCommit (member : Member) (c : SignedCommit) (t : Turn) : Turn :=
  { t with state := { t.state with commits := t.state.commits.set member (some c) } }

/-- Keeps a peer's prepare if it is its newest. -/
def holdNewest (config : Config) (member : Member) (p : SignedPrepare) (t : Turn) : Turn × Bool :=
  let held := t.state.held member
  match held.newest with
  | none => (setHeld member { held with newest := some p } t, true)
  | some newest =>
    if newest.attempt < p.attempt then (setHeld member { held with newest := some p } t, true)
    else if p.attempt = newest.attempt then compare config member newest p t
    else (t, false)

/-- Keeps a peer's prepare if it is its first of the current attempt. -/
def holdCurrent (config : Config) (member : Member) (p : SignedPrepare) (t : Turn) : Turn × Bool :=
  let held := t.state.held member
  if p.attempt = t.state.attempt then
    match held.current with
    | none => (setHeld member { held with current := some p } t, true)
    | some current => compare config member current p t
  else (t, false)

/-- Keeps a verified prepare of this height, if it is of this attempt or its member's newest, and
says whether anything was new; an own one is checked instead (QRM-3, QRM-18, QRM-19). -/
def holdPrepare (config : Config) (member : Member) (p : SignedPrepare) (t : Turn) : Turn × Bool :=
  if member = config.self then (disowned config p t, contradicts config t.state p)
  else
    let first := holdNewest config member p t
    let second := holdCurrent config member p first.1
    (second.1, first.2 || second.2)

/-- Keeps the first verified commit of a member at this height; an own one is checked instead
(QRM-4, QRM-18, QRM-19). -/
def holdCommit (config : Config) (member : Member) (c : SignedCommit) (t : Turn) : Turn :=
  if member = config.self then disownedCommit config c t
  else
    match t.state.commit member with
    | none => setCommit member c t
    | some first =>
      if first.envelope = c.envelope then t
      else (accuse ⟨member, .commit (commitOf config member first),
        .commit (commitOf config member c)⟩ t).1

/-- Holds the prepares that a proof consists of. -/
def holdParts (config : Config) (proof : Proof) (t : Turn) : Turn :=
  (List.range config.members).foldl (fun t i => (holdPrepare config i (part proof i) t).1) t

/-- Takes over a proof that is higher than the one known, and puts it on disk before anything is
done by it (QRM-15). -/
def takeOver (config : Config) (proof : Proof) (t : Turn) : Turn :=
  holdParts config proof
    (persist config { t with state := prune config { t.state with proof := some proof } })

/-- Takes over a proof that comes with a message, if it is higher than the one known, and says
whether it was (QRM-15). -/
def learn (config : Config) (proof : Option Proof) (t : Turn) : Except Refusal (Turn × Bool) :=
  match proof with
  | none => .ok (t, false)
  | some proof =>
    if t.state.proof.any fun known => decide (proof.attempt ≤ known.attempt) then .ok (t, false)
    else if !proofHolds config t.state.height proof then .error .proof
    else if contradicts config t.state (part proof config.self) then
      .ok (disowned config (part proof config.self) t, true)
    else .ok (takeOver config proof t, true)

end Omega.Quorum
