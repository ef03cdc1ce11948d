module

public import Omega.Spec.QuorumState

/-!
# The quorum: the parts of a step

What a step is made of: putting on disk and sending, halting and evidence, and what is held of
others. Each function is the one of its name in `impl/kernel/quorum`; a docstring names it where it
is called otherwise there.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-- One step under way: its state, and the effects so far (`turn`). -/
structure Turn where
  state : State
  effects : List Effect
  deriving DecidableEq

/-- The turn with one more effect (`do`). -/
def Turn.put (t : Turn) (effect : Effect) : Turn :=
  { t with effects := t.effects ++ [effect] }

/-! ## The disk -/

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

/-! ## What is sent -/

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

/-! ## Halting and evidence -/

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

/-! ## What is held of others -/

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
