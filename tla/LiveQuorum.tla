----------------------------- MODULE LiveQuorum -----------------------------
(* Progress: with no liar and nobody silent, once crashes and losses have ended,
   every member certifies the height.

   The fairness assumed is the weakest: what can still change does not stand still
   for ever. Changes(m) are the steps of m that change anything; so the steps and
   what fairness asks for are one definition. A state from which nobody changes ends
   the run, and Progress must hold there; it is not assumed that any single message
   arrives, only that not all is ignored for ever.

   No constraint cuts runs short, which would make liveness checking unsound. What is
   bounded is bounded as the promise is:
   - Before calm comes, members crash, as long as they start at most MaxStarts times
     together, and a timer may run out in any attempt below TimeoutsBelow: from there
     on, with back-off, it is longer than what the members need. When calm comes, either nothing or all
     of what is on its way is lost.
   - From attempt UnionFrom on all make the same of the union of what they have.
   - Attempts end at MaxAttempt; the invariant AttemptsSuffice says that no run of the
     protocol comes there, so that this bound cuts nothing. In a negative model a run
     that would go on for ever stands still there. *)
EXTENDS MCQuorum

CONSTANTS UnionFrom, UnionValue, TimeoutsBelow

VARIABLE calm

live == <<vars, calm>>

\* In place of MayCrash.
BeforeCalm(m) ==
    ~calm /\ Sum(starts, Honest) + Cardinality({i \in Honest : mem[i] = None}) < MaxStarts

InitLive == Init /\ calm = FALSE

\* The step has asked for a content (NeedCandidate).
Needs(s, m) == Ready(s) /\ s.current[m] = None /\ Wanted(s) \notin s.candidates

Choices(m) ==
    IF mem[m].proof # None /\ Kept("proof") THEN {mem[m].proof.digest}
    ELSE IF mem[m].attempt < UnionFrom THEN Successors(log[m])
    ELSE {Append(HeadOf(log[m]), UnionValue)}

\* The turns of m that change something, of those that turns holds.
Changing(m, turns) == {t \in turns \ {None} :
    /\ t.s.attempt <= MaxAttempt
    /\ t.s # mem[m] \/ ~(Outgoing(t.effects) \subseteq net)}

Received(m) == Changing(m,
    {OnPrepare(Turn(m), x) : x \in Sent("prepare")}
    \cup {OnCommit(Turn(m), x) : x \in Sent("commit")}
    \cup {OnDecided(Turn(m), x) : x \in Sent("decided")}
    \cup {OnResync(Turn(m), x) : x \in Sent("resync")}
    \cup {OnReply(Turn(m), x) : x \in Sent("reply")})

Chosen(m) == Changing(m,
    IF Len(log[m]) < MaxHeight /\ Needs(mem[m], m) THEN {OnCandidate(Turn(m), d) : d \in Choices(m)} ELSE {})

Ticked(m) == Changing(m, {OnTick(Turn(m))})

TimedOut(m) == Changing(m,
    IF mem[m].attempt < TimeoutsBelow THEN {OnTimeout(Turn(m))} ELSE {})

Make(name, m, turns) == \E t \in turns : Step(name, m, None, t) /\ UNCHANGED calm

Receive(m) == Up(m) /\ Make("Receive", m, Received(m))
Choose(m) == Up(m) /\ Make("Candidate", m, Chosen(m))
TickOn(m) == Up(m) /\ Make("Tick", m, Ticked(m))
Early(m) == Up(m) /\ Make("Timeout", m, TimedOut(m))
StartUp(m) == mem[m] = None /\ Start(m) /\ UNCHANGED calm
Fail(m) == mem[m] # None /\ Crash(m) /\ UNCHANGED calm

Calm ==
    /\ ~calm
    /\ calm' = TRUE
    /\ net' \in {net, {}}
    /\ UNCHANGED <<mem, disk, log, starts, backup>>

NextLive ==
    \/ Calm
    \/ \E m \in Honest :
        \/ Receive(m)
        \/ Choose(m)
        \/ TickOn(m)
        \/ Early(m)
        \/ StartUp(m)
        \/ Fail(m)

CanMove(m) ==
    \/ mem[m] = None
    \/ Up(m) /\ (Received(m) # {} \/ Chosen(m) # {} \/ Ticked(m) # {})

CanStep == ~calm \/ \E m \in Honest : CanMove(m)

Fairness == []<>(~CanStep) \/ []<><<TRUE>>_live

SpecLive == InitLive /\ [][NextLive]_live /\ Fairness

\* From the worst that a crash can leave, a state of SpecLive: one member has locked in
\* attempt 0 and crashed, all that it said is lost, and the others are in attempt 1.
InitLost ==
    LET first == CHOOSE m \in Honest : TRUE
        d == <<CHOOSE v \in Values : TRUE>>
        p == [attempt |-> 0, digest |-> d]
        turn(m, heard) ==
            [me |-> m, log |-> <<>>, effects |-> <<>>,
             s |-> [Fresh(1, Members) EXCEPT
                        !.candidates = {d},
                        !.newest = [i \in Members |-> IF i \in heard THEN p ELSE None],
                        !.current = [i \in Members |-> IF i \in heard THEN p ELSE None]]]
        locked == Lock(turn(first, Members))
        waiting(m) == Advance(turn(m, {m}))
    IN  /\ mem = [m \in Honest |-> IF m = first THEN None ELSE waiting(m).s]
        /\ disk = [m \in Honest |-> Durable(IF m = first THEN locked ELSE waiting(m))]
        /\ starts = [m \in Honest |-> 1]
        /\ log = [m \in Honest |-> <<>>]
        /\ backup = [m \in Honest |-> [log |-> <<>>, disk |-> None]]
        /\ net = {}
        /\ calm = TRUE

SpecLost == InitLost /\ [][NextLive]_live /\ Fairness

Progress == <>(\A m \in Honest : Len(log[m]) >= MaxHeight)

AttemptsSuffice == \A m \in Honest : mem[m] # None => mem[m].attempt < MaxAttempt

=============================================================================
