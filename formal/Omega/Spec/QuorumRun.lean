module

public import Omega.Spec.QuorumStep

/-!
# The quorum: the life of a member

A member runs: messages come, in any order and of any content, effects are carried out in their
order, and a crash may fall between any two of them (QRM-9). After it the member has what it last
put on disk and its `cert.log`, and what it has sent can't be taken back.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

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
