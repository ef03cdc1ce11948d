---------------------------- MODULE TraceQuorum -----------------------------
(***************************************************************************)
(* Quorum as the judge of traces: what members that ran the code did, from *)
(* their first start on, one event a step or crash. conformance/traces     *)
(* writes them down in Traces.                                             *)
(*                                                                         *)
(* An event says who did what (member, seq, act), with what (arg), which   *)
(* event sent that (cause), what left (sent), how many effects were done   *)
(* before a crash (cut), whether the code refused (refused), and what the  *)
(* member then had: state, disk, log. Every step is the model's own        *)
(* action, with these parameters. It is taken first, and then compared: so *)
(* where a trace is rejected, the state here is what the model says, and   *)
(* the event what the code did.                                            *)
(*                                                                         *)
(* A trace is one path, since its events name all that the model leaves    *)
(* open. It is accepted or rejected by Verdict, which is printed; that     *)
(* each trace has one is for the reader of the output to see.              *)
(***************************************************************************)
EXTENDS Quorum, TLC

CONSTANT Traces  \* a sequence of traces, each a sequence of events

VARIABLES
    trace,  \* which one
    next,   \* its event to be taken
    at,     \* member -> how many of its events are taken
    half    \* the step of the event is taken, the crash behind it is not

traceVars == <<trace, next, at, half>>

\* TLC works out the level of each definition by walking through all that it names,
\* again for each mention: so Traces is named once, and kept in a register.
AllTraces == TLCGet(1)
ASSUME TLCSet(1, Traces)

Trace == AllTraces[trace]
Event == Trace[next]

Received == [RecvPrepare |-> "prepare", RecvCommit |-> "commit", RecvDecided |-> "decided",
             RecvResync |-> "resync", RecvReply |-> "reply"]

IsReceived(e) == e.act \in DOMAIN Received

-----------------------------------------------------------------------------
(* Where a message is from *)

\* Said by an honest member in this trace.
Said(x) == \E k \in 1..next - 1 : x \in Trace[k].sent

MadeOfSigned(p, h) == p = None \/ p.by \subseteq Signed(h, p.attempt, p.digest)

\* A liar repeats what was said, and puts together what was signed. These are more
\* messages than Lies has: any attempt and height, proofs and certificates that lack
\* signatures, and another proof beside what an honest member signed.
CanBeSaid(x) ==
    /\ Liars # {}
    /\ \/ Said(x)
       \/ /\ x.type = "prepare"
          /\ x.from \in Signed(x.height, x.attempt, x.digest)
          /\ MadeOfSigned(x.proof, x.height)
       \/ /\ x.type = "commit"
          /\ x.from \in Voted(x.digest)
          /\ MadeOfSigned(x.proof, Len(x.digest))
       \/ /\ x.type = "decided"
          /\ x.votes \subseteq Voted(x.digest)
       \/ /\ x.type = "resync"
          /\ x.from \in Liars
       \/ /\ x.type = "reply"
          /\ x.from \in Liars
          /\ x.prepare = None \/ x.to \in Signed(x.height, x.prepare.attempt, x.prepare.digest)
          /\ x.commit = None \/ x.to \in Voted(x.commit)

\* The cause is the place of an event, 0 where there is none, and a place behind the
\* trace where there should be one and it is missing.
Caused(e) ==
    IF ~IsReceived(e) THEN e.cause = 0
    ELSE IF e.cause = 0 THEN CanBeSaid(e.arg)
    ELSE e.cause \in 1..next - 1 /\ e.arg \in Trace[e.cause].sent

-----------------------------------------------------------------------------
(* What the model does with an event *)

\* The turn behind it, or None where the model refuses.
Answer(e) ==
    LET t == Turn(e.member)
    IN  CASE e.act = "RecvPrepare" -> OnPrepare(t, e.arg)
          [] e.act = "RecvCommit"  -> OnCommit(t, e.arg)
          [] e.act = "RecvDecided" -> OnDecided(t, e.arg)
          [] e.act = "RecvResync"  -> OnResync(t, e.arg)
          [] e.act = "RecvReply"   -> OnReply(t, e.arg)
          [] e.act = "Candidate"   -> OnCandidate(t, e.arg)
          [] e.act = "Tick"        -> OnTick(t)
          [] e.act = "Timeout"     -> OnTimeout(t)
          [] e.act = "Start"       -> OnStart(e.member)

\* Whether the member can take part in it, and the event is one at all.
WellFormed(e) ==
    CASE e.act = "Start"  -> mem[e.member] = None /\ e.arg = starts[e.member] + 1
      [] e.act = "Crash"  -> mem[e.member] # None /\ e.arg = None
      [] IsReceived(e)    -> Up(e.member) /\ e.arg # None /\ e.arg.type = Received[e.act]
      [] OTHER            -> Up(e.member) /\ (e.act = "Candidate" <=> e.arg # None)

\* The first effects, as many as were done.
Done(e, effects) ==
    IF e.cut = 0 \/ e.cut > Len(effects) THEN effects ELSE SubSeq(effects, 1, e.cut)

\* The writes that a crash behind the first effects kept from being done.
Undone(e, effects) == {k \in Writes(effects) : e.cut # 0 /\ k > e.cut}

\* The model has a crash before a write only; sends before it are lost ones. Where
\* no write is left, the whole step and then a crash are the same.
ModelCut(e, effects) ==
    LET undone == Undone(e, effects)
    IN  IF undone = {} THEN 0 ELSE (CHOOSE k \in undone : \A j \in undone : k <= j) - 1

\* In the place of MayCrash and Label: of all places for a crash, the one of the event.
CrashHere(m) == half \/ Event.act = "Crash" \/ Event.cut # 0

CutHere(name, m, arg, cut, effects) ==
    IF half \/ Event.cut = 0 THEN cut = 0 ELSE cut = ModelCut(Event, Answer(Event).effects)

\* The model's own action, t being its answer.
Take(e, t) ==
    CASE e.act = "Crash" \/ half -> Crash(e.member)
      [] e.refused               -> UNCHANGED vars
      [] e.act = "Start"         -> Start(e.member)
      [] OTHER                   -> Up(e.member) /\ Step(e.act, e.member, e.arg, t)

-----------------------------------------------------------------------------
(* The verdict *)

\* What is wrong with an event before it is taken, as <<what, the model, the code>>,
\* or None; t is the model's answer.
Objection(e, t) ==
    CASE e.seq # at[e.member]
            -> <<"seq", at[e.member], e.seq>>
      [] ~WellFormed(e)
            -> <<"the member cannot do this now", mem[e.member], <<e.act, e.arg>> >>
      [] ~Caused(e)
            -> <<"nobody can have sent the message", None, <<e.cause, e.arg>> >>
      [] e.act = "Crash"
            -> IF e.sent = {} THEN None ELSE <<"sent", {}, e.sent>>
      [] e.refused # (t = None)
            -> <<"refused", ~e.refused, e.refused>>
      [] e.refused
            -> IF e.sent = {} THEN None ELSE <<"sent", {}, e.sent>>
      [] e.sent # Outgoing(Done(e, t.effects))
            -> <<"sent", Outgoing(Done(e, t.effects)), e.sent>>
      [] OTHER -> None

\* What of the member's is not what the event says, behind it.
Unlike(e) ==
    LET m == e.member
        digests == [h \in DOMAIN log[m] |-> log[m][h].digest]
        fields == IF mem[m] = None \/ e.state = None THEN {}
                  ELSE {f \in DOMAIN e.state : mem[m][f] # e.state[f]}
    IN  CASE fields # {}
                -> <<"state", [f \in fields |-> mem[m][f]], [f \in fields |-> e.state[f]]>>
          [] mem[m] # e.state -> <<"state", mem[m], e.state>>
          [] disk[m] # e.disk -> <<"disk", disk[m], e.disk>>
          [] digests # e.log  -> <<"log", digests, e.log>>
          [] OTHER            -> None

Safe == Agreement /\ NoSplitLock /\ CausalOrder /\ QuorumCertified /\ ChainIntegrity
        /\ CommitOnce /\ PrepareOnce /\ NeverHalts /\ FairEvidence

\* <<"accepted">>, or <<"rejected", event, what, the model, the code>>, or None as long
\* as the trace is not over; t is the model's answer to the next event.
VerdictOf(t) ==
    LET behind == IF next = 1 \/ half THEN None ELSE Unlike(Trace[next - 1])
        before == IF next > Len(Trace) \/ half THEN None ELSE Objection(Event, t)
    IN  CASE behind # None      -> <<"rejected", next - 1>> \o behind
          [] before # None      -> <<"rejected", next>> \o before
          [] next <= Len(Trace) -> None
          [] Safe               -> <<"accepted">>
          [] OTHER              -> <<"rejected", next - 1, "a property of the model is violated", None, None>>

Verdict == VerdictOf(IF next > Len(Trace) THEN None ELSE Answer(Event))

-----------------------------------------------------------------------------

TraceInit ==
    /\ Init
    /\ trace \in DOMAIN AllTraces
    /\ next = 1
    /\ at = [m \in Honest |-> 0]
    /\ half = FALSE

\* A step that ends in a crash where the model has none is taken in two halves.
CrashesBehind(e, t) == e.cut # 0 /\ ~half /\ ModelCut(e, t.effects) = 0

Follow(e, t) ==
    /\ Take(e, t)
    /\ IF CrashesBehind(e, t)
       THEN half' = TRUE /\ UNCHANGED <<trace, next, at>>
       ELSE /\ half' = FALSE
            /\ next' = next + 1
            /\ at' = [at EXCEPT ![e.member] = @ + 1]
            /\ UNCHANGED trace

TraceNext ==
    LET t == IF next > Len(Trace) THEN None ELSE Answer(Event)
        verdict == VerdictOf(t)
    IN  IF verdict = None THEN Follow(Event, t)
        ELSE PrintT("omega-trace " \o ToString(<<trace, verdict>>)) /\ FALSE

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

Accepted == Verdict # None /\ Verdict[1] = "accepted"
NotRejected == Verdict # None => Verdict[1] # "rejected"

=============================================================================
