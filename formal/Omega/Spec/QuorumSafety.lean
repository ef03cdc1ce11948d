module

public import Omega.Spec.QuorumStep

/-!
# The quorum: what it promises

The clauses QRM-10, QRM-13, QRM-16 to QRM-18, QRM-20 and QRM-22, about the step and about the life
of a member: any messages, forged ones too, in any order, with crashes and new starts in between.
-/

@[expose] public noncomputable section

namespace Omega

open Quorum

namespace Quorum

/-- Whether the own signatures verify. -/
def Signs (config : Config) : Prop :=
  ∀ (statement : Statement),
    config.verify config.self statement (config.sign statement) = true

/-- Whether a message is a prepare or a commit that is sent. -/
def signs : Effect → Bool
  | .send _ (.prepare _) | .send _ (.commit _) => true
  | _ => false

/-- The lock that is on disk for a height. -/
def lockOnDisk (g : Trail) (height : Nat) : Option Proof :=
  (g.disk.filter (·.height == height)).bind (·.lock)

/-- Whether the certificates follow the chain and each other: each is of the next height and names
the one before. -/
def Follows (config : Config) : Chain → List Certificate → Prop
  | _, [] => True
  | chain, c :: rest =>
    (c.content.envelope.height = chain.height ∧ c.content.envelope.previous = chain.head ∧
      (follow config chain c.content).isSome) ∧
      Follows config (extend config chain c.content.envelope) rest

end Quorum

namespace Claim

/-- A message that is refused changes nothing and has no effect. -/
def a_refused_message_changes_nothing : Prop :=
  ∀ (config : Config) (s : State) (m : Message) (r : Refusal),
    (step config s m).refusal = some r →
      (step config s m).state = s ∧ (step config s m).effects = []

/-- A member that has halted takes no message any more: it changes nothing and sends nothing. -/
def a_halted_member_does_nothing : Prop :=
  ∀ (config : Config) (s : State) (m : Message),
    s.halted.isSome = true → step config s m = ⟨s, [], some .halted⟩

/-- A step in which a prepare or a commit leaves ends with the member started and all peers having
answered: a member that is not ready sends neither. -/
def a_member_that_is_not_ready_signs_nothing : Prop :=
  ∀ (config : Config) (s : State) (m : Message) (e : Effect),
    e ∈ (step config s m).effects → signs e = true →
      (step config s m).state.started = true ∧
        (step config s m).state.answered.all id = true

/-- A peer counts as having answered only by a reply of its own, to this start, for this height,
whose signature verifies. -/
def a_peer_has_answered_only_by_its_signed_reply : Prop :=
  ∀ (config : Config) (s : State) (m : Message) (peer : Member),
    peer ≠ config.self → s.answered.getD peer false = false →
      (step config s m).state.answered.getD peer false = true →
      ∃ (r : Reply), m = .wire (.reply r) ∧ r.sender = peer ∧ r.receiver = config.self ∧
        r.nonce = s.nonce ∧ r.height = s.height ∧
        config.verify peer
          (.reply config.chain peer config.self s.height s.nonce r.prepare r.commit)
          r.signature = true

/-- A member commits at most once a height, ever: whatever messages come and wherever it crashes,
two commits that it sent for one height are one. -/
def commits_of_one_height_are_equal : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (a b : SignedCommit),
    a ∈ commitsIn (run config origin inputs).trail.sent →
    b ∈ commitsIn (run config origin inputs).trail.sent →
    a.envelope.height = b.envelope.height → a = b

/-- A member prepares at most once an attempt, ever: two prepares that it sent for one attempt of
one height are one. -/
def prepares_of_one_attempt_are_equal : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (height : Nat) (a b : SignedPrepare),
    (height, a) ∈ preparesIn (run config origin inputs).trail.sent →
    (height, b) ∈ preparesIn (run config origin inputs).trail.sent →
    a.attempt = b.attempt → a = b

/-- A commit leaves only after its lock is on disk: as long as its height is not over, a commit that
was sent, be it right before a crash, is for the lock that the disk holds for the height. -/
def a_commit_leaves_after_its_lock_is_on_disk : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (c : SignedCommit),
    c ∈ commitsIn (run config origin inputs).trail.sent →
    (chainAfter config origin (run config origin inputs).trail.log).height ≤ c.envelope.height →
      ∃ (lock : Proof),
        lockOnDisk (run config origin inputs).trail c.envelope.height = some lock ∧
        lock.digest = config.hash c.envelope

/-- A prepare leaves only after it is on disk: as long as its height is not over, the disk holds a
prepare of the same attempt, and then it is the one that was sent, or of a later one. -/
def a_prepare_leaves_after_it_is_on_disk : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (height : Nat) (p : SignedPrepare),
    (height, p) ∈ preparesIn (run config origin inputs).trail.sent →
    (chainAfter config origin (run config origin inputs).trail.log).height ≤ height →
      ∃ (d : Durable) (q : SignedPrepare),
        (run config origin inputs).trail.disk = some d ∧ d.height = height ∧
        d.prepare = some q ∧ (q = p ∨ p.attempt < q.attempt)

/-- A lock that is on disk stays as it is until its height is over, whatever comes. -/
def a_lock_on_disk_never_changes : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs more : List Input) (lock : Proof),
    lockOnDisk (run config origin inputs).trail
      (chainAfter config origin (run config origin inputs).trail.log).height = some lock →
    (chainAfter config origin (run config origin (inputs ++ more)).trail.log).height
      = (chainAfter config origin (run config origin inputs).trail.log).height →
    lockOnDisk (run config origin (inputs ++ more)).trail
      (chainAfter config origin (run config origin inputs).trail.log).height = some lock

/-- The log only grows. -/
def the_log_only_grows : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs more : List Input),
    (run config origin inputs).trail.log <+: (run config origin (inputs ++ more)).trail.log

/-- The certificates of a member's log follow its chain and each other: each is of the next height
and names the one before. -/
def appended_certificates_follow_the_chain : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input),
    Follows config origin (run config origin inputs).trail.log

/-- A certificate in a member's log has N signatures, one of each member, and all verify. -/
def an_appended_certificate_has_all_votes : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (c : Certificate),
    Signs config → c ∈ (run config origin inputs).trail.log →
      c.signatures.length = config.members ∧
      ∀ (i : Member), i < config.members →
        verifyVote config i ⟨c.content.envelope, c.signatures.getD i 0⟩ = true

/-- A member that gets a lock, other than from its disk, holds N verified prepares of the attempt
that it is in, all for the lock's digest, and the lock is a proof of that attempt. -/
def a_lock_is_of_n_equal_prepares_of_the_attempt : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (m : Message) (lock : Proof),
    Signs config → isStart m = false →
    (run config origin inputs).state.lock = none →
    (step config (run config origin inputs).state m).state.lock = some lock →
      lock.attempt = (step config (run config origin inputs).state m).state.attempt ∧
      proofHolds config (step config (run config origin inputs).state m).state.height lock = true ∧
      ∀ (i : Member), i < config.members →
        ∃ (p : SignedPrepare),
          ((step config (run config origin inputs).state m).state.held i).current = some p ∧
          p.attempt = lock.attempt ∧ p.digest = lock.digest ∧
          verifyPrepare config (step config (run config origin inputs).state m).state.height i p
            = true

/-- A fork blames every member: two certificates of one height with all votes and different
envelopes hold, for each member, its votes for two different envelopes of that height. -/
def a_fork_blames_every_member : Prop :=
  ∀ (config : Config) (a b : Certificate) (i : Member),
    votesVerify config a = true → votesVerify config b = true →
    a.content.envelope.height = b.content.envelope.height →
    a.content.envelope ≠ b.content.envelope → i < config.members →
      ∃ (x y : SignedCommit),
        x.vote ∈ a.signatures ∧ y.vote ∈ b.signatures ∧
        x.envelope.height = y.envelope.height ∧ x.envelope ≠ y.envelope ∧
        verifyVote config i x = true ∧ verifyVote config i y = true

/-- One honest member makes a fork impossible: where a member's run has sent a commit of the hash of
each of two certificates of one height, which is what an honest member's votes in them mean, the
certificates have one envelope, or the envelope of such a commit and that of a certificate are two
different inputs with the same hash. -/
def one_honest_member_makes_a_fork_impossible : Prop :=
  ∀ (config : Config) (origin : Chain) (inputs : List Input) (a b : Certificate)
    (x y : SignedCommit),
    x ∈ commitsIn (run config origin inputs).trail.sent →
    config.hash x.envelope = config.hash a.content.envelope →
    y ∈ commitsIn (run config origin inputs).trail.sent →
    config.hash y.envelope = config.hash b.content.envelope →
    a.content.envelope.height = b.content.envelope.height →
      a.content.envelope = b.content.envelope ∨
      (x.envelope ≠ a.content.envelope ∧ config.hash x.envelope = config.hash a.content.envelope) ∨
      (y.envelope ≠ b.content.envelope ∧ config.hash y.envelope = config.hash b.content.envelope)

/-!
## The loop of a step ends

In Go, `progress` goes through attempts until there is nothing more to do. The function of the step
is given three attempts to go through; more of them would change nothing.
-/

/-- Three attempts are all that a step can go through: with more it does the same. What is assumed
holds of every state that a member comes to: as many prepares are held as there are members, and the
own one of the current attempt is the own newest. -/
def three_attempts_a_step_are_enough : Prop :=
  ∀ (config : Config) (t : Turn) (more : Nat),
    t.state.prepares.length = config.members →
    (∀ (p : SignedPrepare),
      (t.state.held config.self).current = some p → mine config t.state = some p) →
    rounds config (more + 3) t = rounds config 3 t

end Claim

end Omega
