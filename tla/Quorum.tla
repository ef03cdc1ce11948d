------------------------------- MODULE Quorum -------------------------------
(***************************************************************************)
(* How N members agree on the next certificate of a chain and all N sign   *)
(* it: spec/quorum.md, clauses QRM-1 to QRM-22, at the granularity of       *)
(* impl/kernel/quorum, whose Step takes one message and gives the next      *)
(* state and a list of effects.                                             *)
(*                                                                         *)
(* One action is one Step of one honest member: RecvPrepare, RecvCommit,    *)
(* RecvDecided, RecvResync, RecvReply, Start, Candidate, Tick, Timeout. It  *)
(* is enabled exactly where Step returns no error; a message that tells     *)
(* nothing new is a step that changes nothing. Within an action a record t, *)
(* the turn, is passed along: the member's state so far and the effects.    *)
(*                                                                         *)
(* Crashes. A member keeps its disk and its cert.log, and loses its memory. *)
(* Crash falls between two steps. A crash between two effects of one step   *)
(* does the first ones only; cut in Finish says how many. It is modelled    *)
(* before each write to the disk. A crash before the first effect is one    *)
(* before the step, and one before a Send is the loss of what was not sent. *)
(*                                                                         *)
(* The network is the set of all messages that honest members ever sent.    *)
(* Receiving removes nothing, and nothing must be received: so messages are *)
(* lost, repeated and reordered, and reach whoever they are not meant for.  *)
(*                                                                         *)
(* Liars have no state. A liar says whatever it can sign itself, with every *)
(* proof and certificate that can be put together from signatures that      *)
(* exist. What it can say once it can say for ever, so its messages need    *)
(* not stand in the network: Lies are received out of the blue.             *)
(*                                                                         *)
(* Signatures. A message names its signer, and only what a member signed is *)
(* ever said in its name. A proof and a certificate carry the set of those  *)
(* whose signatures in it are true. Bytes, other chains, unknown members    *)
(* and broken signatures are not modelled: the code refuses them.           *)
(*                                                                         *)
(* A digest stands for a certificate: the sequence of the values chosen at  *)
(* heights 1, 2, ... up to its own. So it names the one before it, as       *)
(* prev_cert_hash does, and two digests are equal only if their pasts are.  *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Members,   \* the roster
    Liars,     \* those who follow no rule
    Values,    \* what members can make of their events
    Attempts,  \* the attempts that liars speak of
    Backups,   \* members whose disk can be replaced by an older copy
    Awake,     \* TRUE: members begin ready, as after a first start
    Dropped,   \* the rules left out, for negative models
    None       \* the absence of anything

Honest == Members \ Liars
Kept(rule) == rule \notin Dropped

VARIABLES
    mem,     \* member -> its State, or None while it is down
    disk,    \* member -> its vote file for the height under way, or None
    log,     \* member -> its cert.log behind the genesis
    net,     \* all messages that honest members ever sent
    starts,  \* member -> how often it started; the nonce of the last start
    backup   \* member -> an older copy of its log and disk

vars == <<mem, disk, log, net, starts, backup>>

-----------------------------------------------------------------------------
(* Chains, proofs and messages *)

Digests == UNION {[1..h -> Values] : h \in 1..3}  \* more heights than any bound

HeadOf(l) == IF l = <<>> THEN <<>> ELSE l[Len(l)].digest

\* CHN-2: d is of the next height and names the head.
Follows(l, d) == Len(d) = Len(l) + 1 /\ SubSeq(d, 1, Len(l)) = HeadOf(l)

\* The digests that can follow a log.
Successors(l) == {Append(HeadOf(l), v) : v \in Values}

\* N equal prepares of one attempt (QRM-5); by are those who really signed.
ProofHolds(p) == p.by = Members \/ ~Kept("proof-signatures")

PrepareMsg(from, h, p, proof) ==
    [type |-> "prepare", from |-> from, height |-> h,
     attempt |-> p.attempt, digest |-> p.digest, proof |-> proof]

CommitMsg(from, d, proof) ==
    [type |-> "commit", from |-> from, digest |-> d, proof |-> proof]

DecidedMsg(c) == [type |-> "decided", digest |-> c.digest, votes |-> c.votes]

ResyncMsg(from, h, nonce) ==
    [type |-> "resync", from |-> from, height |-> h, nonce |-> nonce]

ReplyMsg(from, to, h, nonce, prepare, commit) ==
    [type |-> "reply", from |-> from, to |-> to, height |-> h, nonce |-> nonce,
     prepare |-> prepare, commit |-> commit]

Sent(type) == {x \in net : x.type = type}

-----------------------------------------------------------------------------
(* The state of a member, and the turn *)

Nobody == [i \in Members |-> None]

\* A member that has just entered a height.
Fresh(nonce, answered) ==
    [nonce |-> nonce,        \* of the last start
     answered |-> answered,  \* who has answered it at this height
     attempt |-> 0,
     own |-> None,           \* the own candidate for this attempt
     candidates |-> {},      \* the contents held and validated
     proof |-> None,         \* the highest known
     lock |-> None,          \* the proof that the member is locked from
     current |-> Nobody,     \* of each member: its prepare of this attempt
     newest |-> Nobody,      \* of each member: its prepare of the highest attempt
     commits |-> Nobody,     \* of each member: its first commit
     evidence |-> {},        \* <<member, kind>> of double signatures
     halted |-> None]        \* the kind of the own signature that halted it

Up(m) == mem[m] # None /\ mem[m].halted = None

Ready(s) == s.halted = None /\ s.answered = Members

Turn(m) == [me |-> m, s |-> mem[m], log |-> log[m], effects |-> <<>>]

Height(t) == Len(t.log) + 1

Do(t, effect) == [t EXCEPT !.effects = Append(@, effect)]
Send(t, msg) == Do(t, [kind |-> "send", msg |-> msg])

Mine(t) == t.s.newest[t.me]
Prepared(t) == t.s.current[t.me] # None

\* The digests whose contents belong on the disk (QRM-21).
Referred(t) == {p.digest : p \in {Mine(t), t.s.proof, t.s.lock} \ {None}}

Prune(t) == [t EXCEPT !.s.candidates = @ \cap (Referred(t) \cup {t.s.own})]

\* What survives a crash (QRM-21).
Durable(t) ==
    [prepare |-> IF Kept("prepare-on-disk") THEN Mine(t) ELSE None,
     proof |-> IF Kept("proof-on-disk") THEN t.s.proof ELSE None,
     lock |-> t.s.lock,
     candidates |-> t.s.candidates \cap Referred(t)]

Persist(t) == Do(t, [kind |-> "persist", disk |-> Durable(t)])

\* A write and a send in their order: what leaves is on disk before (QRM-9).
PersistThen(t, msg, rule) ==
    IF Kept(rule) THEN Send(Persist(t), msg) ELSE Persist(Send(t, msg))

Carried(t) == IF Kept("carry-proof") THEN t.s.proof ELSE None
OwnPrepare(t) == PrepareMsg(t.me, Height(t), Mine(t), Carried(t))
OwnCommit(t) == CommitMsg(t.me, t.s.commits[t.me], Carried(t))
OwnResync(t) == ResyncMsg(t.me, Height(t), t.s.nonce)

-----------------------------------------------------------------------------
(* Holding what others signed *)

Halt(t, kind) == [t EXCEPT !.s.halted = kind]

\* QRM-18: an own prepare that the member cannot have signed, as far as it knows.
Contradicts(t, p) ==
    LET mine == Mine(t)
        lock == t.s.lock
    IN  \/ mine = None
        \/ p.attempt > mine.attempt
        \/ p.attempt = mine.attempt /\ p.digest # mine.digest
        \/ lock # None /\ p.attempt >= lock.attempt /\ p.digest # lock.digest

\* QRM-18: an own commit that is not that of the lock.
Disowned(t, d) == t.s.lock = None \/ d # t.s.lock.digest

CheckOwnPrepare(t, p) ==
    IF Contradicts(t, p) /\ Kept("own-signature") THEN Halt(t, "prepare") ELSE t

CheckOwnCommit(t, d) ==
    IF Disowned(t, d) /\ Kept("own-signature") THEN Halt(t, "commit") ELSE t

Differs(held, p) ==
    held # None /\ held.attempt = p.attempt /\ held.digest # p.digest

\* QRM-3, QRM-19: a prepare is held if it is of this attempt or the newest. The
\* first one counts; a second that differs is evidence.
HoldPrepare(t, from, p) ==
    LET new == t.s.newest[from]
        cur == t.s.current[from]
    IN  IF from = t.me THEN CheckOwnPrepare(t, p)
        ELSE [t EXCEPT
                !.s.newest[from] = IF new = None \/ p.attempt > new.attempt THEN p ELSE new,
                !.s.current[from] = IF cur = None /\ p.attempt = t.s.attempt THEN p ELSE cur,
                !.s.evidence = IF Differs(new, p) \/ Differs(cur, p)
                               THEN @ \cup {<<from, "prepare">>} ELSE @]

RECURSIVE HoldParts(_, _, _)
HoldParts(t, p, from) ==
    IF from = {} THEN t
    ELSE LET i == CHOOSE i \in from : TRUE
         IN  HoldParts(HoldPrepare(t, i, [attempt |-> p.attempt, digest |-> p.digest]),
                       p, from \ {i})

\* QRM-4: of a member's commits the first is held.
HoldCommit(t, from, d) ==
    LET held == t.s.commits[from]
        free == {i \in Members : t.s.commits[i] = None}
    IN  CASE from = t.me -> CheckOwnCommit(t, d)
          [] held = None -> [t EXCEPT !.s.commits[from] = d]
          [] held # d    -> [t EXCEPT !.s.evidence = @ \cup {<<from, "commit">>}]
          [] OTHER       -> IF Kept("one-vote") \/ free = {} THEN t
                            ELSE [t EXCEPT !.s.commits[CHOOSE i \in free : TRUE] = d]

Higher(t, p) == p # None /\ (t.s.proof = None \/ p.attempt > t.s.proof.attempt)

\* QRM-15: a higher proof is taken over, and is on disk before anything is done by it.
Learn(t, p) ==
    IF ~Higher(t, p) THEN t
    ELSE LET seen == CheckOwnPrepare(t, p)
             held == Prune([t EXCEPT !.s.proof = p])
         IN  IF seen.s.halted # None THEN seen
             ELSE HoldParts(Persist(held), p, Members)

-----------------------------------------------------------------------------
(* What the rules ask for by themselves *)

\* QRM-11
Wanted(s) ==
    CASE s.lock # None /\ Kept("lock")   -> s.lock.digest
      [] s.proof # None /\ Kept("proof") -> s.proof.digest
      [] OTHER                           -> s.own

\* QRM-10, QRM-12
Prepare(t) ==
    LET d == Wanted(t.s)
        p == [attempt |-> t.s.attempt, digest |-> d]
        held == Prune([t EXCEPT !.s.current[t.me] = p, !.s.newest[t.me] = p])
    IN  IF d \notin t.s.candidates THEN t
        ELSE PersistThen(held, OwnPrepare(held), "prepare-first-on-disk")

Held(t) == {i \in Members : t.s.current[i] # None}
Agreed(t) == \A i \in Held(t) : t.s.current[i].digest = Mine(t).digest
Enough(n, rule) == n + (IF Kept(rule) THEN 0 ELSE 1) >= Cardinality(Members)
AllPrepared(t) == Enough(Cardinality(Held(t)), "all-prepares")

\* QRM-13: locks from a proof.
LockFrom(t) ==
    LET held == [t EXCEPT !.s.lock = t.s.proof, !.s.commits[t.me] = t.s.proof.digest]
    IN  PersistThen(held, OwnCommit(held), "lock-first-on-disk")

\* QRM-13: N equal prepares of the current attempt are the highest proof.
Lock(t) ==
    LET p == [attempt |-> t.s.attempt, digest |-> Mine(t).digest, by |-> Members]
        held == IF Higher(t, p) THEN [t EXCEPT !.s.proof = p] ELSE t
    IN  CASE t.s.lock = None \/ ~Kept("lock-once") -> LockFrom(held)
          [] Higher(t, p)                          -> Persist(held)
          [] OTHER                                 -> t

\* QRM-14
AdvanceTo(t, attempt) ==
    Prune([t EXCEPT
        !.s.attempt = attempt,
        !.s.own = None,
        !.s.current = [i \in Members |->
            IF t.s.newest[i] # None /\ t.s.newest[i].attempt = attempt
            THEN t.s.newest[i] ELSE None]])

Advance(t) == AdvanceTo(t, t.s.attempt + 1)

\* The height behind the certificate c. Who is not ready asks again (QRM-17).
Enter(t, c) ==
    LET ready == Ready(t.s)
        next == [t EXCEPT !.log = Append(@, c),
                          !.s = Fresh(@.nonce, IF ready THEN Members ELSE {t.me})]
    IN  IF ready THEN next ELSE Send(next, OwnResync(next))

AppendCert(t, c) == Do(t, [kind |-> "append", cert |-> c])

\* QRM-16: N commits for the lock are the certificate.
Decide(t) ==
    LET d == t.s.lock.digest
        for == {i \in Members : t.s.commits[i] = d}
        any == {i \in Members : t.s.commits[i] # None}
        c == [digest |-> d, votes |-> for]
    IN  IF t.s.lock # None /\ Enough(Cardinality(IF Kept("verify-commits") THEN for ELSE any),
                                     "all-commits")
        THEN Enter(Send(AppendCert(t, c), DecidedMsg(c)), c)
        ELSE t

RECURSIVE Proceed(_)
Proceed(t) ==
    LET now == IF Prepared(t) THEN t ELSE Prepare(t)
    IN  CASE ~Ready(t.s)                                 -> t
          [] ~Prepared(now)                              -> Decide(now)
          [] AllPrepared(now) /\ ~Agreed(now)            -> Proceed(Advance(now))
          [] AllPrepared(now)                            -> Decide(Lock(now))
          [] now.s.lock = None /\ now.s.proof # None
             /\ ~Kept("lock-in-attempt")                 -> Decide(LockFrom(now))
          [] OTHER                                       -> Decide(now)

\* Sends the newest prepare and the commit again.
Repeat(t) ==
    LET first == IF Mine(t) = None THEN t ELSE Send(t, OwnPrepare(t))
    IN  IF t.s.commits[t.me] = None THEN first ELSE Send(first, OwnCommit(t))

\* What the disk holds is sent, and the member goes on from there.
BecomeReady(t) ==
    Proceed(Repeat(IF t.s.lock = None THEN t
                     ELSE [t EXCEPT !.s.commits[t.me] = t.s.lock.digest]))

-----------------------------------------------------------------------------
(* One message, one operator: the turn behind it, or None where it is refused *)

\* QRM-16: a message of another height, of which kind is said for an own one.
Elsewhere(t, from, h, kind) ==
    CASE from = t.me /\ h > Height(t) /\ Kept("own-signature") -> Halt(t, kind)
      [] from = t.me                                           -> t
      [] h < Height(t)                                         -> Send(t, DecidedMsg(t.log[h]))
      [] OTHER                                                 -> Send(t, OwnResync(t))

OnPrepare(t, x) ==
    LET p == [attempt |-> x.attempt, digest |-> x.digest]
        learnt == Learn(t, x.proof)
        held == IF learnt.s.halted # None THEN learnt ELSE HoldPrepare(learnt, x.from, p)
    IN  CASE x.height # Height(t)                              -> Elsewhere(t, x.from, x.height, "prepare")
          [] Higher(t, x.proof) /\ ~ProofHolds(x.proof)        -> None
          [] held.s = t.s /\ x.attempt < t.s.attempt           -> None \* stale
          [] OTHER                                             -> Proceed(held)

OnCommit(t, x) ==
    LET learnt == Learn(t, x.proof)
        held == IF learnt.s.halted # None THEN learnt ELSE HoldCommit(learnt, x.from, x.digest)
    IN  CASE Len(x.digest) # Height(t)                         -> Elsewhere(t, x.from, Len(x.digest), "commit")
          [] Higher(t, x.proof) /\ ~ProofHolds(x.proof)        -> None
          [] OTHER                                             -> Proceed(held)

VotesHold(x) == x.votes = Members \/ ~Kept("adopt-votes")
Adoptable(t, d) == Follows(t.log, d) \/ ~Kept("adopt-chain")

\* QRM-16, QRM-18
OnDecided(t, x) ==
    LET h == Len(x.digest)
        c == [digest |-> x.digest, votes |-> x.votes]
        checked == CheckOwnCommit(t, x.digest)
    IN  CASE h + 1 < Height(t)                                 -> None
          [] h < Height(t) /\ x.digest = HeadOf(t.log)         -> t
          [] ~VotesHold(x)                                     -> None
          [] h < Height(t)                                     -> Halt(t, "fork")
          [] h > Height(t) /\ Kept("adopt-chain")              -> Send(t, OwnResync(t))
          [] ~Adoptable(t, x.digest)                           -> None
          [] checked.s.halted # None                           -> checked
          [] OTHER                                             -> Enter(AppendCert(t, c), c)

\* QRM-7, QRM-8
OnResync(t, x) ==
    CASE x.from = t.me           -> t
      [] x.height # Height(t)    -> Elsewhere(t, x.from, x.height, "resync")
      [] OTHER                   -> Send(t, ReplyMsg(t.me, x.from, x.height, x.nonce,
                                          t.s.newest[x.from], t.s.commits[x.from]))

\* QRM-17, QRM-18
OnReply(t, x) ==
    LET seen == IF x.prepare = None THEN t ELSE CheckOwnPrepare(t, x.prepare)
        both == IF x.commit = None \/ seen.s.halted # None THEN seen
                ELSE CheckOwnCommit(seen, x.commit)
        counted == [t EXCEPT !.s.answered = @ \cup {x.from}]
    IN  CASE x.to # t.me \/ x.height # Height(t)               -> None
          [] x.nonce # t.s.nonce /\ Kept("nonce")              -> None
          [] both.s.halted # None                              -> both
          [] x.from \in t.s.answered                           -> t
          [] Ready(counted.s)                                  -> BecomeReady(counted)
          [] OTHER                                             -> counted

\* QRM-12
OnCandidate(t, d) ==
    LET held == Prune([t EXCEPT !.s.own = d, !.s.candidates = @ \cup {d}])
    IN  CASE Prepared(t) /\ Kept("one-prepare")                -> None
          [] ~Follows(t.log, d)                                -> None
          [] t.s.proof # None /\ t.s.proof.digest # d
             /\ Kept("proof")                                  -> None
          [] Prepared(t)                                       -> Proceed(Prepare(held))
          [] OTHER                                             -> Proceed(held)

Later(t) == {i \in Members : t.s.newest[i] # None /\ t.s.newest[i].attempt > t.s.attempt}

\* QRM-14
OnTick(t) ==
    LET claimed == CHOOSE a \in {t.s.newest[i].attempt : i \in Later(t)} : TRUE
    IN  CASE ~Ready(t.s)                                       -> Send(t, OwnResync(t))
          [] ~Kept("one-step") /\ Later(t) # {}                -> Proceed(AdvanceTo(t, claimed))
          [] Kept("follow") /\ Prepared(t) /\ Later(t) # {}    -> Proceed(Advance(t))
          [] OTHER                                             -> Repeat(t)

OnTimeout(t) ==
    CASE ~Ready(t.s)                                           -> None
      [] ~Prepared(t) /\ Kept("prepare-before-advance")        -> None
      [] OTHER                                                 -> Proceed(Advance(t))

\* QRM-17: what the disk holds, and a question to every peer.
OnStart(m) ==
    LET d == disk[m]
        here == IF Kept("resync") THEN {m} ELSE Members
        empty == [me |-> m, s |-> Fresh(starts[m] + 1, here), log |-> log[m], effects |-> <<>>]
        own == [empty EXCEPT !.s.candidates = d.candidates,
                             !.s.proof = d.proof,
                             !.s.lock = d.lock,
                             !.s.attempt = IF d.prepare = None THEN 0 ELSE d.prepare.attempt,
                             !.s.current[m] = d.prepare,
                             !.s.newest[m] = d.prepare]
        locked == IF d.lock = None \/ ~Kept("proof-on-disk") THEN own
                  ELSE HoldParts(own, d.lock, Members \ {m})
        loaded == IF d.proof = None THEN locked ELSE HoldParts(locked, d.proof, Members \ {m})
        t == IF d = None THEN empty ELSE loaded
    IN  IF Ready(t.s) THEN BecomeReady(t) ELSE Send(t, OwnResync(t))

-----------------------------------------------------------------------------
(* What liars can say to m *)

Signed(h, a, d) == Liars \cup
    {i \in Honest : \E x \in Sent("prepare") :
        x.from = i /\ x.height = h /\ x.attempt = a /\ x.digest = d}

Voted(d) == Liars \cup {i \in Honest : \E x \in Sent("commit") : x.from = i /\ x.digest = d}

\* Proofs put together from what was signed. One that does not verify is refused, so
\* that it is offered only where the rule against it is dropped.
Offered(h, digests) == {None} \cup {p \in
    {[attempt |-> a, digest |-> d, by |-> Signed(h, a, d)] : a \in Attempts, d \in digests} :
    ProofHolds(p)}

LiePrepares(m) ==
    LET h == Len(log[m]) + 1
        stands == [attempt : Attempts, digest : Successors(log[m])]
    IN  {PrepareMsg(i, h, p, proof) : i \in Liars, p \in stands,
                                      proof \in Offered(h, Successors(log[m]))}

LieCommits(m) ==
    {CommitMsg(i, d, proof) : i \in Liars, d \in Successors(log[m]),
                              proof \in Offered(Len(log[m]) + 1, Successors(log[m]))}

\* The certificates of honest members for other heights stand in the network.
LieDecided(m) ==
    {DecidedMsg([digest |-> d, votes |-> Voted(d)]) :
        d \in IF Kept("adopt-chain") THEN Successors(log[m]) ELSE Digests}

\* A liar's question is answered with what the liar itself signed.
LieResyncs(m) == {ResyncMsg(i, Len(log[m]) + 1, 0) : i \in Liars}

\* About m a liar can only repeat what m signed, or be silent.
LieReplies(m) ==
    LET h == Len(log[m]) + 1
        prepares == {[attempt |-> x.attempt, digest |-> x.digest] :
                     x \in {x \in Sent("prepare") : x.from = m /\ x.height = h}}
        commits == {x.digest : x \in {x \in Sent("commit") : x.from = m /\ Len(x.digest) = h}}
    IN  {ReplyMsg(i, m, h, mem[m].nonce, p, c) :
            i \in Liars, p \in {None} \cup prepares, c \in {None} \cup commits}

-----------------------------------------------------------------------------
(* Actions *)

\* How many effects are done where a crash falls before a write to the disk.
Writes(effects) == {k \in DOMAIN effects : effects[k].kind # "send"}
Cuts(effects) == {k - 1 : k \in Writes(effects) \ {1}}

Outgoing(effects) == {effects[k].msg : k \in DOMAIN effects \ Writes(effects)}

\* What is told a liar of its own signatures is no news to it, and not kept.
ToLiar(x) == x.type = "reply" /\ x.to \in Liars

\* Does effects for m. An append leaves the vote file void.
Perform(m, effects) ==
    LET writes == Writes(effects)
        last == CHOOSE k \in writes : \A j \in writes : j <= k
        appended == {k \in writes : effects[k].kind = "append"}
    IN  /\ net' = net \cup {x \in Outgoing(effects) : ~ToLiar(x)}
        /\ disk' = IF writes = {} THEN disk
                   ELSE [disk EXCEPT ![m] = IF effects[last].kind = "append" THEN None
                                            ELSE effects[last].disk]
        /\ log' = IF appended = {} THEN log
                  ELSE [log EXCEPT ![m] = Append(@, effects[CHOOSE k \in appended : TRUE].cert)]

\* A model that labels its steps, or bounds crashes, defines these again.
Label(name, m, arg, cut, effects) == TRUE
MayCrash(m) == TRUE

\* The end of a step that was not refused: all effects (cut 0), or the first cut
\* of them and then a crash.
Finish(name, m, arg, t) ==
    /\ t # None
    /\ \E cut \in {0} \cup (IF MayCrash(m) THEN Cuts(t.effects) ELSE {}) :
        LET done == IF cut = 0 THEN t.effects ELSE SubSeq(t.effects, 1, cut)
        IN  /\ mem' = [mem EXCEPT ![m] = IF cut = 0 THEN t.s ELSE None]
            /\ Perform(m, done)
            /\ Label(name, m, arg, cut, done)
    /\ UNCHANGED backup

\* A step of a member that is up. Those who know the argument, as a check of a run's
\* trace does, call it with that; the actions below are for all arguments.
Step(name, m, arg, t) == Finish(name, m, arg, t) /\ UNCHANGED starts

RecvPrepare(m) == Up(m) /\ \E x \in Sent("prepare") \cup LiePrepares(m) :
    Step("RecvPrepare", m, x, OnPrepare(Turn(m), x))

RecvCommit(m) == Up(m) /\ \E x \in Sent("commit") \cup LieCommits(m) :
    Step("RecvCommit", m, x, OnCommit(Turn(m), x))

RecvDecided(m) == Up(m) /\ \E x \in Sent("decided") \cup LieDecided(m) :
    Step("RecvDecided", m, x, OnDecided(Turn(m), x))

RecvResync(m) == Up(m) /\ \E x \in Sent("resync") \cup LieResyncs(m) :
    Step("RecvResync", m, x, OnResync(Turn(m), x))

RecvReply(m) == Up(m) /\ \E x \in Sent("reply") \cup LieReplies(m) :
    Step("RecvReply", m, x, OnReply(Turn(m), x))

\* A candidate for the current attempt; any other is refused.
Candidate(m) == Up(m) /\ \E d \in Successors(log[m]) :
    Step("Candidate", m, d, OnCandidate(Turn(m), d))

Tick(m) == Up(m) /\ Step("Tick", m, None, OnTick(Turn(m)))

Timeout(m) == Up(m) /\ Step("Timeout", m, None, OnTimeout(Turn(m)))

Start(m) ==
    /\ mem[m] = None
    /\ starts' = [starts EXCEPT ![m] = @ + 1]
    /\ Finish("Start", m, starts[m] + 1, OnStart(m))

Crash(m) ==
    /\ mem[m] # None /\ MayCrash(m)
    /\ mem' = [mem EXCEPT ![m] = None]
    /\ Label("Crash", m, None, 0, <<>>)
    /\ UNCHANGED <<disk, log, net, starts, backup>>

\* The promise about restored backups: no peer has missed the newest prepare or the
\* commit, or forgets it.
Told(m) == \A i \in Honest \ {m} :
    /\ mem[i] # None
    /\ \/ Len(log[i]) > Len(log[m])
       \/ /\ Len(log[i]) = Len(log[m])
          /\ disk[m] # None =>
              /\ mem[i].newest[m] = disk[m].prepare
              /\ disk[m].lock # None => mem[i].commits[m] = disk[m].lock.digest

Copy(m) ==
    /\ m \in Backups
    /\ backup' = [backup EXCEPT ![m] = [log |-> log[m], disk |-> disk[m]]]
    /\ Label("Copy", m, None, 0, <<>>)
    /\ UNCHANGED <<mem, disk, log, net, starts>>

\* A crash after which the member finds an older log and disk.
Restore(m) ==
    /\ m \in Backups
    /\ Told(m) \/ ~Kept("told")
    /\ mem' = [mem EXCEPT ![m] = None]
    /\ log' = [log EXCEPT ![m] = backup[m].log]
    /\ disk' = [disk EXCEPT ![m] = backup[m].disk]
    /\ Label("Restore", m, None, 0, <<>>)
    /\ UNCHANGED <<net, starts, backup>>

-----------------------------------------------------------------------------
(* The specification *)

Init ==
    /\ mem = [m \in Honest |-> IF Awake THEN Fresh(1, Members) ELSE None]
    /\ starts = [m \in Honest |-> IF Awake THEN 1 ELSE 0]
    /\ disk = [m \in Honest |-> None]
    /\ log = [m \in Honest |-> <<>>]
    /\ backup = [m \in Honest |-> [log |-> <<>>, disk |-> None]]
    /\ net = {}

Next == \E m \in Honest :
    \/ Start(m)
    \/ Candidate(m)
    \/ Tick(m)
    \/ Timeout(m)
    \/ RecvPrepare(m)
    \/ RecvCommit(m)
    \/ RecvDecided(m)
    \/ RecvResync(m)
    \/ RecvReply(m)
    \/ Crash(m)
    \/ Copy(m)
    \/ Restore(m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Safety *)

Stands == [attempt : Nat, digest : Digests]
Proofs == [attempt : Nat, digest : Digests, by : SUBSET Members]
Certificates == [digest : Digests, votes : SUBSET Members]
Optional(S) == S \cup {None}

States == [nonce : Nat, answered : SUBSET Members, attempt : Nat, own : Optional(Digests),
           candidates : SUBSET Digests, proof : Optional(Proofs), lock : Optional(Proofs),
           current : [Members -> Optional(Stands)], newest : [Members -> Optional(Stands)],
           commits : [Members -> Optional(Digests)],
           evidence : SUBSET (Members \X {"prepare", "commit"}),
           halted : {None, "prepare", "commit", "fork"}]

Disks == [prepare : Optional(Stands), proof : Optional(Proofs), lock : Optional(Proofs),
          candidates : SUBSET Digests]

Messages ==
    [type : {"prepare"}, from : Honest, height : Nat, attempt : Nat, digest : Digests,
     proof : Optional(Proofs)]
    \cup [type : {"commit"}, from : Honest, digest : Digests, proof : Optional(Proofs)]
    \cup [type : {"decided"}, digest : Digests, votes : SUBSET Members]
    \cup [type : {"resync"}, from : Honest, height : Nat, nonce : Nat]
    \cup [type : {"reply"}, from : Honest, to : Members, height : Nat, nonce : Nat,
          prepare : Optional(Stands), commit : Optional(Digests)]

IsLog(l) == \A h \in DOMAIN l : l[h] \in Certificates

TypeOK ==
    /\ \A m \in Honest :
        /\ mem[m] \in Optional(States)
        /\ disk[m] \in Optional(Disks)
        /\ IsLog(log[m])
        /\ starts[m] \in Nat
        /\ IsLog(backup[m].log) /\ backup[m].disk \in Optional(Disks)
    /\ net \subseteq Messages

\* The lock of m at the height under way, wherever it stands.
LockOf(m) == CASE mem[m] # None  -> mem[m].lock
               [] disk[m] # None -> disk[m].lock
               [] OTHER          -> None

\* What m is bound to at height h: its certificate, or its lock; a set of at most one.
Bound(m, h) ==
    IF h <= Len(log[m]) THEN {log[m][h].digest}
    ELSE IF h = Len(log[m]) + 1 /\ LockOf(m) # None THEN {LockOf(m).digest} ELSE {}

Heights == 1..3

\* No two different certificates of one height: neither in the logs of honest members,
\* nor to be put together from votes that exist.
Agreement ==
    /\ \A i, j \in Honest : \A h \in DOMAIN log[i] \cap DOMAIN log[j] :
        log[i][h].digest = log[j][h].digest
    /\ \A x, y \in Sent("commit") :
        /\ Len(x.digest) = Len(y.digest)
        /\ Voted(x.digest) = Members
        /\ Voted(y.digest) = Members
        => x.digest = y.digest

\* No two honest members are bound to different digests at one height.
NoSplitLock == \A i, j \in Honest : \A h \in Heights :
    \A d \in Bound(i, h), e \in Bound(j, h) : d = e

\* The order of causes: prepare, N prepares, lock, commit, certificate, next height.
CausalOrder ==
    /\ \A x \in Sent("prepare") :  \* attempt by attempt, height by height
        /\ x.height <= Len(log[x.from]) + 1
        /\ \A a \in 0..x.attempt - 1 :
            \E y \in Sent("prepare") : y.from = x.from /\ y.height = x.height /\ y.attempt = a
    /\ \A m \in Honest : mem[m] # None =>
        \A a \in 0..mem[m].attempt - 1 :
            \E y \in Sent("prepare") : y.from = m /\ y.height = Len(log[m]) + 1 /\ y.attempt = a
    /\ \A m \in Honest : LockOf(m) # None =>  \* a lock is from N prepares
        Signed(Len(log[m]) + 1, LockOf(m).attempt, LockOf(m).digest) = Members
    /\ \A x \in Sent("commit") :  \* a commit is behind its lock
        Bound(x.from, Len(x.digest)) = {x.digest}
    /\ \A m \in Honest : \A h \in DOMAIN log[m] :  \* a certificate is behind the own commit
        \E x \in Sent("commit") : x.from = m /\ x.digest = log[m][h].digest

\* A certificate in an honest log has N votes, and each honest one is true.
QuorumCertified == \A m \in Honest : \A h \in DOMAIN log[m] :
    log[m][h].votes = Members /\ Voted(log[m][h].digest) = Members

\* Each log is a chain without a gap, and of any two one is the other's beginning.
ChainIntegrity ==
    /\ \A m \in Honest : \A h \in DOMAIN log[m] :
        Follows(SubSeq(log[m], 1, h - 1), log[m][h].digest)
    /\ \A i, j \in Honest : Len(log[i]) <= Len(log[j]) =>
        SubSeq(HeadOf(log[j]), 1, Len(log[i])) = HeadOf(log[i])

\* One commit a height, ever.
CommitOnce == \A x, y \in Sent("commit") :
    x.from = y.from /\ Len(x.digest) = Len(y.digest) => x.digest = y.digest

\* One prepare an attempt, ever (QRM-10).
PrepareOnce == \A x, y \in Sent("prepare") :
    x.from = y.from /\ x.height = y.height /\ x.attempt = y.attempt => x.digest = y.digest

\* A member whose disk is its own last one never halts.
NeverHalts == \A m \in Honest : mem[m] # None => mem[m].halted = None

\* Nobody is accused who is honest.
FairEvidence == \A m \in Honest : mem[m] # None =>
    \A e \in mem[m].evidence : e[1] \in Liars

=============================================================================
