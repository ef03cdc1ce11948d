--------------------------- MODULE DataPathGraph ---------------------------
(***************************************************************************)
(* DataPathMC with the action last taken, and its parameters, in a         *)
(* variable of its own, for the corpus of edges (conformance/corpus): the  *)
(* state before and act determine the state after.                         *)
(***************************************************************************)
EXTENDS DataPathMC

VARIABLE act

\* One copy of a section at a member; Copies is out of reach, so that no guard bounds.
OneCopy == \A m \in Members : \A i, j \in DOMAIN pool[m] : pool[m][i] = pool[m][j] => i = j

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
