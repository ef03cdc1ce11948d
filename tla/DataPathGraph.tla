--------------------------- MODULE DataPathGraph ---------------------------
(***************************************************************************)
(* DataPathMC with the action last taken, and its parameters, in a         *)
(* variable of its own, for the corpus of edges (conformance/corpus): the  *)
(* state before and act determine the state after.                         *)
(***************************************************************************)
EXTENDS DataPathMC

VARIABLE act

(* The bounds, which cut after a step and guard none. *)

\* One copy of a section at a member; Copies is out of reach.
OneCopy == \A m \in Members : \A i, j \in DOMAIN pool[m] : pool[m][i] = pool[m][j] => i = j

\* A liar gets its sections in their order: it reconciles none.
LiarsInOrder == \A m \in Liars : pool[m] = SortBy(Range(pool[m]), <)

\* A liar writes its log no sooner than an honest member.
LiarsBehind == \A m \in Liars : \E o \in Honest : Len(log[m]) <= Len(log[o])

\* A merge of nothing leaves the past as it was.
NoEmptyMerge == \A m \in Members : \A h \in DOMAIN log[m] :
                  log[m][h].kind = "merge" => log[m][h].trace # <<>>

GraphInit == Init /\ act = [name |-> "Init"]

ActArrive(m, s) == Arrive(m, s) /\ act' = [name |-> "Arrive", member |-> m, section |-> s]
ActRestart(m)   == Restart(m)   /\ act' = [name |-> "Restart", member |-> m]
ActSeal(m)      == Seal(m)      /\ act' = [name |-> "Seal", member |-> m]
ActPrepare(m)   == Prepare(m)   /\ act' = [name |-> "Prepare", member |-> m]
ActLie(m, r)    == LieWith(m, r)    /\ act' = [name |-> "Lie", member |-> m, result |-> r]
ActSplit(m)     == Split(m)     /\ act' = [name |-> "Split", member |-> m]
ActCertify(m)   == Certify(m)   /\ act' = [name |-> "Certify", member |-> m]

GraphNext ==
  \E m \in Members :
    \/ \E s \in Names : ActArrive(m, s)
    \/ ActRestart(m)
    \/ ActSeal(m)
    \/ ActPrepare(m)
    \/ \E r \in Forged(m) : ActLie(m, r)
    \/ ActSplit(m)
    \/ ActCertify(m)

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, act>>
=============================================================================
