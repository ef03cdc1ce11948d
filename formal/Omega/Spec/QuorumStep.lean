module

public import Omega.Spec.QuorumState

/-!
# The quorum: the step, and the life of a member

Clauses QRM-9 to QRM-22: a member's state and a message give its next state and effects, or the
message is refused. It is `Step` of `impl/kernel/quorum`, function by function; a docstring names
the function in Go where it is called otherwise. That the step has no clock and no chance needs no
proof here: it is a function.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-! ## What follows by itself -/

/-- Prepares the digest in this attempt: on disk before it leaves (QRM-10). -/
def prepareFor (config : Config) (digest : Digest) (t : Turn) : Turn :=
  let s := t.state
  let p : SignedPrepare := {
    attempt := s.attempt, digest := digest,
    signature := config.sign (.prepare config.chain s.height s.attempt digest) }
  let t := setHeld config.self ⟨some p, some p⟩ t
  sendPrepare config (persist config { t with state := prune config t.state })

/-- Prepares in this attempt, if it has not yet: what is wanted, if its content is held (QRM-11,
QRM-12; `prepare`). Nothing, where it can't. -/
def prepare (config : Config) (t : Turn) : Option Turn :=
  if prepared config t.state then some t
  else
    match t.state.wanted with
    | none => none
    | some digest =>
      if (find config t.state.candidates digest).isSome then some (prepareFor config digest t)
      else none

/-- Whether all N prepares of this attempt are held (`tally`). -/
def allHeld (s : State) : Bool := s.prepares.all fun held => held.current.isSome

/-- Whether the prepares of this attempt that are held have the digest (`tally`). -/
def allFor (s : State) (digest : Digest) : Bool :=
  s.prepares.all fun held => held.current.all (·.digest == digest)

/-- Goes to the next attempt (QRM-14). -/
def advance (config : Config) (t : Turn) : Turn :=
  let attempt := t.state.attempt + 1
  { t with
    state := prune config { t.state with
      attempt := attempt, own := none
      prepares := t.state.prepares.map fun held =>
        { held with current := held.newest.filter (·.attempt == attempt) } } }

/-- The proof that N equal prepares of this attempt are. -/
def gather (s : State) (digest : Digest) : Proof :=
  { attempt := s.attempt, digest := digest,
    signatures := s.prepares.map fun held => (held.current.map (·.signature)).getD 0 }

/-- Takes the N equal prepares of this attempt as the highest proof, unless one as high is known
(QRM-13). -/
def raise (config : Config) (digest : Digest) (t : Turn) : Turn :=
  if t.state.proof.any fun known => decide (t.state.attempt ≤ known.attempt) then t
  else
    let t := { t with state := { t.state with proof := some (gather t.state digest) } }
    if t.state.lock.isSome then persist config t else t

/-- Makes the own commit of the lock (`commit`). -/
def makeCommit (config : Config) (t : Turn) : Turn :=
  match t.state.lock with
  | none => t
  | some lock =>
    match find config t.state.candidates lock.digest with
    | none => t
    | some content =>
      setCommit config.self
        ⟨content.envelope, config.sign (.vote config.chain lock.digest)⟩ t

/-- Locks and commits, if the member has no lock: the lock is on disk before the commit leaves
(QRM-13). -/
def lock (config : Config) (digest : Digest) (t : Turn) : Turn :=
  let t := raise config digest t
  if t.state.lock.isSome then t
  else
    sendCommit config (makeCommit config
      (persist config { t with state := { t.state with lock := t.state.proof } }))

/-- Prepares, and then advances where all prepares are held and differ, or locks where they are
equal. Of the prepares held of a peer each counts for one attempt, so it goes through three attempts
at the most: `fuel` is 3. -/
def rounds (config : Config) : (fuel : Nat) → Turn → Turn
  | 0, t => t
  | fuel + 1, t =>
    match prepare config t with
    | none => t
    | some t =>
      match mine config t.state with
      | none => t
      | some own =>
        if !allHeld t.state then t
        else if allFor t.state own.digest then lock config own.digest t
        else rounds config fuel (advance config t)

/-- Goes to the height behind the chain; a member that is not ready asks its peers again (QRM-17).
-/
def enter (config : Config) (chain : Chain) (t : Turn) : Turn :=
  let state := fresh config t.state chain
  if t.state.ready then { t with state := state }
  else resync config none { t with state := { state with answered := onlySelf config } }

/-- The votes of all, if all commits are held and for the envelope. -/
def votesFor (envelope : Envelope) : List (Option SignedCommit) → Option (List Signature)
  | [] => some []
  | none :: _ => none
  | some c :: rest =>
    if c.envelope = envelope then (votesFor envelope rest).map (c.vote :: ·) else none

/-- Makes the certificate, where all N commits are held and are for the lock (QRM-16; `decide`).
The content follows the chain: it has been checked before it was held. -/
def conclude (config : Config) (t : Turn) : Turn :=
  match t.state.lock with
  | none => t
  | some lock =>
    match find config t.state.candidates lock.digest with
    | none => t
    | some content =>
      match votesFor content.envelope t.state.commits, follow config t.state.chain content with
      | some votes, some next =>
        enter config next
          ((t.put (.append ⟨content, votes⟩)).put (.announce ⟨content, votes⟩))
      | _, _ => t

/-- Does what the rules ask for by themselves, until there is nothing more. -/
def progress (config : Config) (t : Turn) : Turn :=
  if t.state.ready then conclude config (rounds config 3 t) else t

/-! ## Messages -/

/-- Whether the message is of this chain and of a member; if not, the refusal (`from`). -/
def sender (config : Config) (chain : Digest) (member : Member) : Option Refusal :=
  if chain ≠ config.chain then some .wrongChain
  else if config.members ≤ member then some .unknownMember
  else none

/-- Answers a verified message of another height (QRM-16). -/
def elsewhere (config : Config) (from_ : Member) (height : Nat) (t : Turn) : Turn :=
  if from_ = config.self then t
  else if height < t.state.height then t.put (.sendCertificate from_ height)
  else resync config (some from_) (t.put (.behind height))

/-- A prepare arrives. -/
def onPrepare (config : Config) (m : Prepare) (t : Turn) : Except Refusal Turn :=
  match sender config m.chain m.sender with
  | some refusal => .error refusal
  | none =>
    if !verifyPrepare config m.height m.sender m.signed then .error .signature
    else if m.height ≠ t.state.height then
      if m.sender = config.self ∧ t.state.height < m.height then
        .ok (halt config .unknownPrepare (.prepare m) t)
      else .ok (elsewhere config m.sender m.height t)
    else
      match learn config m.proof t with
      | .error refusal => .error refusal
      | .ok (t, news) =>
        if t.state.halted.isSome then .ok t
        else
          let held := holdPrepare config m.sender m.signed t
          if !held.2 && !news && decide (m.signed.attempt < held.1.state.attempt) then
            .error .staleAttempt
          else .ok (progress config held.1)

/-- A commit arrives. -/
def onCommit (config : Config) (m : Commit) (t : Turn) : Except Refusal Turn :=
  let height := m.signed.envelope.height
  match sender config m.chain m.sender with
  | some refusal => .error refusal
  | none =>
    if !verifyVote config m.sender m.signed then .error .signature
    else if height ≠ t.state.height then
      if m.sender = config.self ∧ t.state.height < height then
        .ok (halt config .unknownCommit (.commit m) t)
      else .ok (elsewhere config m.sender height t)
    else
      match learn config m.proof t with
      | .error refusal => .error refusal
      | .ok (t, _) =>
        if t.state.halted.isSome then .ok t
        else .ok (progress config (holdCommit config m.sender m.signed t))

/-- A certificate of an earlier height arrives: in the place of the last one, another with all votes
is a fork (QRM-18; `comparePast`). -/
def comparePast (config : Config) (c : Certificate) (t : Turn) : Except Refusal Turn :=
  if c.content.envelope.height + 1 < t.state.height then .error .wrongHeight
  else if digestOf config c.content = t.state.chain.head then .ok t
  else if !votesVerify config c then .error .certificate
  else .ok (halt config .fork (.decided c) t)

/-- Adopts a certificate of this height; the member's vote is among its signatures, so a member that
is not locked on it halts (QRM-16, QRM-18). -/
def adopt (config : Config) (c : Certificate) (t : Turn) : Except Refusal Turn :=
  match follow config t.state.chain c.content with
  | none => .error .certificate
  | some next =>
    if !votesVerify config c then .error .certificate
    else
      let t := disownedCommit config ⟨c.content.envelope, c.signatures.getD config.self 0⟩ t
      if t.state.halted.isSome then .ok t
      else .ok (enter config next (t.put (.append c)))

/-- A whole certificate arrives (`Decided`). -/
def onDecided (config : Config) (c : Certificate) (t : Turn) : Except Refusal Turn :=
  let height := c.content.envelope.height
  if height < t.state.height then comparePast config c t
  else if t.state.height < height then
    if votesVerify config c then .ok (resync config none (t.put (.behind height)))
    else .error .certificate
  else adopt config c t

/-- A peer asks what is held of it; it is told, whether this member is ready or not (QRM-7). -/
def onResync (config : Config) (m : Resync) (t : Turn) : Except Refusal Turn :=
  match sender config m.chain m.sender with
  | some refusal => .error refusal
  | none =>
    if !config.verify m.sender (.resync m.chain m.sender m.height m.nonce) m.signature then
      .error .signature
    else if m.sender = config.self then .ok t
    else if m.height ≠ t.state.height then .ok (elsewhere config m.sender m.height t)
    else
      let prepare := (t.state.held m.sender).newest
      let commit := t.state.commit m.sender
      .ok (t.put (.send (some m.sender) (.reply {
        chain := m.chain, sender := config.self, receiver := m.sender, height := m.height,
        nonce := m.nonce, prepare := prepare, commit := commit,
        signature := config.sign
          (.reply m.chain config.self m.sender m.height m.nonce prepare commit) })))

/-- Whether a reply is for this start of this member and all in it verifies; if not, the refusal
(`check`). -/
def checkReply (config : Config) (m : Reply) (s : State) : Option Refusal :=
  match sender config m.chain m.sender with
  | some refusal => some refusal
  | none =>
    if m.receiver ≠ config.self then some .notAddressee
    else if !config.verify m.sender
        (.reply m.chain m.sender m.receiver m.height m.nonce m.prepare m.commit) m.signature then
      some .signature
    else if m.nonce ≠ s.nonce then some .nonce
    else if m.height ≠ s.height then some .wrongHeight
    else if m.prepare.any fun p => !verifyPrepare config m.height config.self p then
      some .signature
    else if m.commit.any fun c =>
        c.envelope.height != m.height || !verifyVote config config.self c then
      some .signature
    else none

/-- The member may sign from now on: it sends what its disk holds, and goes on from there. -/
def becomeReady (config : Config) (t : Turn) : Turn :=
  progress config (resend config (makeCommit config t))

/-- Compares what a peer holds of this member's with what it knows (QRM-18). -/
def compareReply (config : Config) (m : Reply) (t : Turn) : Turn :=
  match m.prepare, m.commit with
  | some p, some c =>
    if contradicts config t.state p then disowned config p t else disownedCommit config c t
  | some p, none => disowned config p t
  | none, some c => disownedCommit config c t
  | none, none => t

/-- A peer has answered (QRM-8, QRM-17). -/
def onReply (config : Config) (m : Reply) (t : Turn) : Except Refusal Turn :=
  match checkReply config m t.state with
  | some refusal => .error refusal
  | none =>
    let t := compareReply config m t
    if t.state.halted.isSome || t.state.answered.getD m.sender true then .ok t
    else
      let t := { t with state := { t.state with answered := t.state.answered.set m.sender true } }
      if t.state.ready then .ok (becomeReady config t) else .ok t

/-- Whether the contents are in the order of digests, each once. -/
def increasing (config : Config) : List Content → Bool
  | first :: second :: rest =>
    decide (digestOf config first < digestOf config second)
      && increasing config (second :: rest)
  | _ => true

/-- Whether what the disk holds has the contents that it refers to, and no others (`validate`). -/
def wellFormed (config : Config) (d : Durable) : Bool :=
  d.candidates.all (fun c => wants d (digestOf config c)) && increasing config d.candidates
    && d.prepare.all (fun p => (find config d.candidates p.digest).isSome)
    && d.lock.all (fun l => (find config d.candidates l.digest).isSome)

/-- Whether a proof on disk holds, and is such as the own prepares and the lock allow. -/
def proofFits (config : Config) (s : State) (proof : Proof) : Bool :=
  proofHolds config s.height proof && !contradicts config s (part proof config.self)

/-- The state with what the disk holds for its height. -/
def loaded (config : Config) (d : Durable) (s : State) : State :=
  let s := { s with candidates := s.candidates ++ d.candidates, proof := d.proof, lock := d.lock }
  match d.prepare with
  | none => s
  | some p =>
    { s with
      attempt := p.attempt, prepares := s.prepares.set config.self ⟨some p, some p⟩ }

/-- Whether what the disk holds for this height verifies: `s` is the state with it (QRM-21). -/
def diskHolds (config : Config) (d : Durable) (s : State) : Bool :=
  wellFormed config d && d.candidates.all (fun c => (follow config s.chain c).isSome)
    && d.prepare.all (fun p =>
      verifyPrepare config s.height config.self p && !contradicts config s p)
    && d.lock.all (fun l =>
      proofFits config s l && d.proof.any fun p => decide (l.attempt ≤ p.attempt))
    && d.proof.all (proofFits config s)

/-- Takes over what the disk holds for this height, and holds the parts of its proofs
(`loadHeight`). -/
def loadHeight (config : Config) (d : Durable) (t : Turn) : Except Refusal Turn :=
  let s := loaded config d t.state
  if diskHolds config d s then
    let t := { t with state := s }
    let t := (d.lock.map fun l => holdParts config l t).getD t
    .ok ((d.proof.map fun p => holdParts config p t).getD t)
  else .error .disk

/-- Takes over what the disk holds, after verifying all of it; what it holds for an earlier height
is void (QRM-21). -/
def load (config : Config) (d : Durable) (t : Turn) : Except Refusal Turn :=
  if d.chain ≠ config.chain then .error .wrongChain
  else if t.state.height < d.height then .error .diskAhead
  else if d.height < t.state.height then .ok t
  else loadHeight config d t

/-- The member starts: with one member it is ready, else it asks every peer (QRM-17). -/
def onStart (config : Config) (disk : Option Durable) (nonce : Nonce) (t : Turn) :
    Except Refusal Turn :=
  let t := { t with
    state := { t.state with started := true, nonce := nonce, answered := onlySelf config } }
  match (disk.map fun d => load config d t).getD (.ok t) with
  | .error refusal => .error refusal
  | .ok t => if t.state.ready then .ok (becomeReady config t) else .ok (resync config none t)

/-- The state with a content, validated by its shell, as the own one for this attempt. -/
def withCandidate (config : Config) (content : Content) (s : State) : State :=
  prune config { s with
    own := some (digestOf config content), candidates := insert config s.candidates content }

/-- A content comes that the shell has made itself (QRM-12). -/
def onCandidate (config : Config) (attempt : Nat) (content : Content) (t : Turn) :
    Except Refusal Turn :=
  if attempt ≠ t.state.attempt then .error .wrongAttempt
  else if prepared config t.state then .error .prepared
  else if (follow config t.state.chain content).isNone then .error .candidate
  else if t.state.proof.any (·.digest != digestOf config content) then .error .unwanted
  else .ok (progress config { t with state := withCandidate config content t.state })

/-- Whether a prepare of a later attempt is held. -/
def laterHeld (s : State) : Bool :=
  s.prepares.any fun held => held.newest.any fun p => decide (s.attempt < p.attempt)

/-- A tick: what has no answer is asked again; a later attempt is followed, or else the newest
prepare and the commit are sent again (QRM-14). -/
def onTick (config : Config) (t : Turn) : Turn :=
  if !t.state.ready then askSilent config t
  else if prepared config t.state && laterHeld t.state then progress config (advance config t)
  else resend config t

/-- A timeout: the member goes to the next attempt (QRM-14). -/
def onTimeout (config : Config) (t : Turn) : Except Refusal Turn :=
  if !t.state.ready then .error .notReady
  else if !prepared config t.state then .error .notPrepared
  else .ok (progress config (advance config t))

/-- The message's change (`apply`). -/
def apply (config : Config) (m : Message) (t : Turn) : Except Refusal Turn :=
  match m with
  | .wire (.prepare m) => onPrepare config m t
  | .wire (.commit m) => onCommit config m t
  | .wire (.decided c) => onDecided config c t
  | .wire (.resync m) => onResync config m t
  | .wire (.reply m) => onReply config m t
  | .start disk nonce => onStart config disk nonce t
  | .candidate attempt content => onCandidate config attempt content t
  | .tick => .ok (onTick config t)
  | .timeout => onTimeout config t

/-- Whether a message is a start. -/
def isStart : Message → Bool
  | .start _ _ => true
  | _ => false

/-- What forbids the message, whatever it says (QRM-22). -/
def admit (s : State) (m : Message) : Option Refusal :=
  if s.halted.isSome then some .halted
  else if isStart m && s.started then some .started
  else if !isStart m && !s.started then some .notStarted
  else none

/-- What asks the shell for the content that keeps the member from preparing (QRM-12). -/
def need (config : Config) (s : State) : Option Effect :=
  if s.ready && !prepared config s
      && !s.wanted.any (fun digest => (find config s.candidates digest).isSome) then
    some (.needCandidate s.height s.attempt s.wanted)
  else none

/-- Asks for that content, if it has changed or a tick repeats it. -/
def askContent (config : Config) (before : State) (m : Message) (t : Turn) : Turn :=
  match need config t.state with
  | none => t
  | some effect => if m = .tick ∨ need config before ≠ some effect then t.put effect else t

/-- What a step gives: the next state and the effects, or the state as it was and a refusal. -/
structure Outcome where
  state : State
  effects : List Effect
  refusal : Option Refusal
  deriving DecidableEq

/-- The step (QRM-9; `Step`). -/
def step (config : Config) (s : State) (m : Message) : Outcome :=
  match admit s m with
  | some refusal => ⟨s, [], some refusal⟩
  | none =>
    match apply config m ⟨s, []⟩ with
    | .error refusal => ⟨s, [], some refusal⟩
    | .ok t =>
      let t := askContent config s m t
      ⟨t.state, t.effects, none⟩

/-!
## The life of a member

A member runs: messages come, in any order and of any content, effects are carried out in their
order, and a crash may fall between any two of them (QRM-9). After it the member has what it last
put on disk and its `cert.log`, and what it has sent can't be taken back.
-/

/-- What of a member outlasts a crash: what it last put on disk, its `cert.log` behind the
certificates that it began with, and all messages that it ever sent. -/
structure Trail where
  disk : Option Durable
  log : List Certificate
  sent : List Wire
  deriving DecidableEq

/-- The trail after an effect is carried out. Effects that only tell something leave none. -/
def carry (g : Trail) : Effect → Trail
  | .persist d => { g with disk := some d }
  | .send _ message => { g with sent := g.sent ++ [message] }
  | .append c => { g with log := g.log ++ [c] }
  | .announce c => { g with sent := g.sent ++ [.decided c] }
  | .sendCertificate _ height =>
    { g with sent := g.sent ++
      ((g.log.filter fun c => c.content.envelope.height == height).map Wire.decided) }
  | .needCandidate _ _ _ | .behind _ | .evidence _ | .halt _ => g

/-- The trail after effects, carried out in their order. -/
def carryAll (g : Trail) (effects : List Effect) : Trail := effects.foldl carry g

/-- The chain that a log leads to from the one that it began with. -/
def chainAfter (config : Config) (origin : Chain) (log : List Certificate) : Chain :=
  log.foldl (fun chain c => extend config chain c.content.envelope) origin

/-- The commits among messages. -/
def commitsIn (messages : List Wire) : List SignedCommit :=
  messages.filterMap fun
    | .commit m => some m.signed
    | _ => none

/-- The prepares among messages, each with its height. -/
def preparesIn (messages : List Wire) : List (Nat × SignedPrepare) :=
  messages.filterMap fun
    | .prepare m => some (m.height, m.signed)
    | _ => none

/-- What is on disk for the height that comes next; what is there for an earlier one is void. -/
def onDisk (config : Config) (origin : Chain) (g : Trail) : Option Durable :=
  g.disk.filter fun d => d.height == (chainAfter config origin g.log).height

/-- A member that runs: what it knows, and its trail. -/
structure Life where
  state : State
  trail : Trail
  deriving DecidableEq

/-- What happens to a member: a message comes; and, if `crash` is a number, the member crashes after
so many of the step's effects. -/
structure Input where
  message : Message
  crash : Option Nat := none
  deriving DecidableEq

/-- A start brings what is on disk, whatever it says itself. -/
def bring (disk : Option Durable) : Message → Message
  | .start _ nonce => .start disk nonce
  | m => m

/-- A member with its trail as the last crash, or its birth, has left it. -/
def reborn (config : Config) (origin : Chain) (g : Trail) : Life :=
  { state := begin config (chainAfter config origin g.log), trail := g }

/-- A member that has done nothing yet, its `cert.log` leading to the chain. -/
def born (config : Config) (origin : Chain) : Life :=
  reborn config origin { disk := none, log := [], sent := [] }

/-- What an input makes of a member. -/
def happen (config : Config) (origin : Chain) (life : Life) (input : Input) : Life :=
  let out := step config life.state (bring life.trail.disk input.message)
  match input.crash with
  | none => { state := out.state, trail := carryAll life.trail out.effects }
  | some done => reborn config origin (carryAll life.trail (out.effects.take done))

/-- A member that goes on from where it is. -/
def runFrom (config : Config) (origin : Chain) (life : Life) (inputs : List Input) : Life :=
  inputs.foldl (happen config origin) life

/-- The life of a member: it begins with an empty disk and a `cert.log` that leads to the chain. -/
def run (config : Config) (origin : Chain) (inputs : List Input) : Life :=
  runFrom config origin (born config origin) inputs

end Omega.Quorum
