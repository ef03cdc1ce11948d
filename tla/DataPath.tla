------------------------------ MODULE DataPath ------------------------------
(***************************************************************************)
(* From sections to the same trace at every member.  Sections reach the    *)
(* members in any order and more than once.  For each height every member  *)
(* says what it has (its manifest), reconciles that, and prepares the      *)
(* result; where results differ, all reconcile the union of the manifests. *)
(* A result that all N prepare is appended to each member's log (design:   *)
(* the quorum's steps between prepare and append, with its crashes and     *)
(* double votes, are the business of Quorum.tla; here the prepares of an   *)
(* attempt are one per member).                                            *)
(*                                                                         *)
(* A merge settles the sections it was made of.  After an obstruction they *)
(* stay for the next height, without the events that it sets aside.        *)
(*                                                                         *)
(* A restarted member reads its sections again in another order and each   *)
(* once.  A lying member prepares what it likes.                           *)
(***************************************************************************)
EXTENDS DataPathRules

CONSTANTS
  Members,    \* the members, numbers
  Liars,      \* those of them that lie
  Sections,   \* a function from names of sections, numbers, to their frames
  Copies      \* how often one section may reach one member

VARIABLES
  pool,       \* pool[m]: names of sections at hand that are not settled, in order of arrival
  settled,    \* settled[m]: names of sections settled by a merge of m's log
  manifests,  \* what was signed: [height, member, names]
  attempt,    \* attempt[m]: 0, or 1 where the attempt with own manifests has failed
  prepares,   \* what was prepared: [height, attempt, member, result]
  log         \* log[m]: results in order of height

vars == <<pool, settled, manifests, attempt, prepares, log>>

Names == DOMAIN Sections
Honest == Members \ Liars

Height(m) == Len(log[m]) + 1

\* The manifests for m's height, and the prepares of its height and attempt.
ManifestsAt(m) == {x \in manifests : x.height = Height(m)}
PreparesAt(m) == {x \in prepares : x.height = Height(m) /\ x.attempt = attempt[m]}

Sealed(m) == \E x \in ManifestsAt(m) : x.member = m
Prepared(m) == \E x \in PreparesAt(m) : x.member = m

\* INV-1: the past that a log stands for.
PastOf(l) ==
  LET certified == UNION {Range(l[i].trace) : i \in DOMAIN l}
  IN [certified |-> certified,
      quarantined |-> IF "quarantine" \in Dropped THEN {}
                      ELSE (UNION {l[i].quarantine : i \in DOMAIN l}) \ certified]

\* The sections of the pool that are in the batch, in order of arrival.
Batch(m, names) == SelectSeq(pool[m], LAMBDA s : s \in names)

ResultOf(m, names) ==
  LET batch == Batch(m, names)
  IN Reconcile([i \in DOMAIN batch |-> Sections[batch[i]]], PastOf(log[m]))

\* The sections that m reconciles: those of its manifest, then those of all manifests.
BatchNames(m) ==
  UNION {x.names : x \in {x \in ManifestsAt(m) :
    x.member = m \/ (attempt[m] = 1 /\ "union" \notin Dropped)}} \ settled[m]

-----------------------------------------------------------------------------
Init ==
  /\ pool = [m \in Members |-> <<>>]
  /\ settled = [m \in Members |-> {}]
  /\ manifests = {}
  /\ attempt = [m \in Members |-> 0]
  /\ prepares = {}
  /\ log = [m \in Members |-> <<>>]

\* A section reaches a member, for the first time or again.
CanArrive(m, s) ==
  s \notin settled[m] /\ Cardinality({i \in DOMAIN pool[m] : pool[m][i] = s}) < Copies

Arrive(m, s) ==
  /\ CanArrive(m, s)
  /\ pool' = [pool EXCEPT ![m] = Append(@, s)]
  /\ UNCHANGED <<settled, manifests, attempt, prepares, log>>

\* An honest member starts anew and reads its folder: by name, each section once.
Restart(m) ==
  /\ m \in Honest
  /\ pool' = [pool EXCEPT ![m] = SortBy(Range(@), <)]
  /\ pool' # pool
  /\ UNCHANGED <<settled, manifests, attempt, prepares, log>>

\* The member says what it has for its height, once it or another has something.
CanSeal(m) == ~Sealed(m) /\ (pool[m] # <<>> \/ ManifestsAt(m) # {})

Seal(m) ==
  /\ CanSeal(m)
  /\ manifests' = manifests \union {[height |-> Height(m), member |-> m, names |-> Range(pool[m])]}
  /\ UNCHANGED <<pool, settled, attempt, prepares, log>>

PrepareOf(m, r) == [height |-> Height(m), attempt |-> attempt[m], member |-> m, result |-> r]

\* The member prepares its own result: of its manifest, then of all manifests.
CanPrepare(m) == m \in Honest /\ Sealed(m) /\ ~Prepared(m) /\ BatchNames(m) \subseteq Range(pool[m])

Prepare(m) ==
  /\ CanPrepare(m)
  /\ prepares' = prepares \union {PrepareOf(m, ResultOf(m, BatchNames(m)))}
  /\ UNCHANGED <<pool, settled, manifests, attempt, log>>

\* A liar prepares an empty merge, or what another has prepared.
LieWith(m, r) ==
  /\ m \in Liars
  /\ Sealed(m)
  /\ ~Prepared(m)
  /\ prepares' = prepares \union {PrepareOf(m, r)}
  /\ UNCHANGED <<pool, settled, manifests, attempt, log>>

Forged(m) ==
  {[kind |-> "merge", trace |-> <<>>, obstructions |-> <<>>, quarantine |-> {}]}
  \union {x.result : x \in PreparesAt(m)}

Lie(m) == \E r \in Forged(m) : LieWith(m, r)

AllPrepared(m) == \A o \in Members : \E x \in PreparesAt(m) : x.member = o
Unanimous(m) == \A x, y \in PreparesAt(m) : x.result = y.result

\* The results of the own manifests differ: all reconcile the union.
CanSplit(m) == attempt[m] = 0 /\ AllPrepared(m) /\ ~Unanimous(m)

Split(m) ==
  /\ CanSplit(m)
  /\ attempt' = [attempt EXCEPT ![m] = 1]
  /\ UNCHANGED <<pool, settled, manifests, prepares, log>>

\* All N have prepared one result: it is the next certificate.
CanCertify(m) == Prepared(m) /\ ("unanimity" \notin Dropped => AllPrepared(m) /\ Unanimous(m))

Certify(m) ==
  /\ CanCertify(m)
  /\ LET r == (CHOOSE x \in PreparesAt(m) : x.member = m).result
         done == IF r.kind = "merge" THEN BatchNames(m) ELSE {}
     IN /\ log' = [log EXCEPT ![m] = Append(@, r)]
        /\ pool' = [pool EXCEPT ![m] = SelectSeq(@, LAMBDA s : s \notin done)]
        /\ settled' = [settled EXCEPT ![m] = @ \union done]
  /\ attempt' = [attempt EXCEPT ![m] = 0]
  /\ UNCHANGED <<manifests, prepares>>

Next ==
  \E m \in Members :
    \/ \E s \in Names : Arrive(m, s)
    \/ Restart(m)
    \/ Seal(m)
    \/ Prepare(m)
    \/ Lie(m)
    \/ Split(m)
    \/ Certify(m)

Spec == Init /\ [][Next]_vars

CanAct ==
  \E m \in Members :
    (\E s \in Names : CanArrive(m, s)) \/ CanSeal(m) \/ CanPrepare(m) \/ CanSplit(m) \/ CanCertify(m)

\* All but the order of arrival, which is what a restart changes.
Content == <<[m \in Members |-> Range(pool[m])], settled, manifests, attempt, prepares, log>>

\* As long as a section can arrive or a member can act, something of the kind happens. That is
\* less than fairness to each, and enough: each can happen a bounded number of times.
Fairness == []<>~CanAct \/ []<><<Content' # Content>>_vars

FairSpec == Spec /\ Fairness

-----------------------------------------------------------------------------
(* Safety *)

IsPrefix(a, b) == Len(a) <= Len(b) /\ SubSeq(b, 1, Len(a)) = a

TypeOK ==
  /\ \A m \in Members : /\ Range(pool[m]) \subseteq Names
                        /\ settled[m] \subseteq Names
                        /\ Range(pool[m]) \intersect settled[m] = {}
                        /\ attempt[m] \in 0..1
  /\ \A x, y \in manifests : x.height = y.height /\ x.member = y.member => x = y
  /\ \A x, y \in prepares :
       x.height = y.height /\ x.attempt = y.attempt /\ x.member = y.member => x = y

\* Every member has the same trace at every height that both have.
SameTrace == \A a, b \in Honest : IsPrefix(log[a], log[b]) \/ IsPrefix(log[b], log[a])

\* ORD-1
SortedTrace ==
  \A m \in Honest : \A h \in DOMAIN log[m] :
    LET t == log[m][h].trace IN \A i \in 1..Len(t)-1 : KeyLess(t[i].key, t[i+1].key)

\* INV-3: what an event depends on stands before it, in its trace or an earlier certificate.
CausalOrder ==
  \A m \in Honest : \A h \in DOMAIN log[m] :
    LET t == log[m][h].trace
        before == Keys(PastEvents(PastOf(SubSeq(log[m], 1, h - 1))))
    IN \A i \in DOMAIN t : \A d \in t[i].deps :
         /\ d[1] < t[i].key[1]
         /\ d \in before \/ \E j \in 1..i-1 : t[j].key = d

\* INV-2: of a key one version is certified, once.
OneVersion ==
  \A m \in Honest : \A g, h \in DOMAIN log[m] :
    \A i \in DOMAIN log[m][g].trace, j \in DOMAIN log[m][h].trace :
      log[m][g].trace[i].key = log[m][h].trace[j].key => g = h /\ i = j

\* INV-4: a stream only grows, from certificate to certificate.
ArrowOfTime ==
  \A m \in Honest : \A g, h \in DOMAIN log[m] : g < h =>
    \A i \in DOMAIN log[m][g].trace, j \in DOMAIN log[m][h].trace :
      LET a == log[m][g].trace[i].key  b == log[m][h].trace[j].key
      IN a[2] = b[2] => KeyLess(a, b)

\* Every event of a settled section is certified or set aside.
NothingLost ==
  \A m \in Honest : \A s \in settled[m] : Range(Sections[s]) \subseteq PastEvents(PastOf(log[m]))

\* OBS-5: an obstruction sets aside what was not before, so that the next height can go on.
ObstructionsSetAside ==
  \A m \in Honest : \A h \in DOMAIN log[m] :
    log[m][h].kind = "obstruction" =>
      log[m][h].quarantine \ UNION {log[m][g].quarantine : g \in 1..h-1} # {}

\* INV-9: members with one past that hold the same sections get the same result.
OrderFree ==
  \A a, b \in Honest : log[a] = log[b] /\ Range(pool[a]) = Range(pool[b]) =>
    ResultOf(a, Range(pool[a])) = ResultOf(b, Range(pool[b]))

\* INV-8: what the pass over the frames finds is what the rules say.
SoundAndComplete ==
  \A m \in Honest :
    LET past == PastOf(log[m])
        names == Range(pool[m])
        events == UNION {Range(Sections[s]) : s \in names}
        r == ResultOf(m, names)
    IN IF TrueObstructions(events, past) = {}
       THEN r.kind = "merge" /\ r.trace = SortBy(Fresh(events, past), LAMBDA x, y : KeyLess(x.key, y.key))
       ELSE r.kind = "obstruction" /\ r.obstructions = SortBy(TrueObstructions(events, past), ObstructionLess)

\* The log is only appended to.
ChainIntegrity == [][\A m \in Members : IsPrefix(log[m], log'[m]) /\ Len(log'[m]) <= Len(log[m]) + 1]_vars

(* Liveness, with no liar: every section is settled at every member, with one log. *)
Progress == <>[](\A m \in Members : settled[m] = Names /\ \A o \in Members : log[m] = log[o])
=============================================================================
