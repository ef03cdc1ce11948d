---------------------------- MODULE GraphQuorum -----------------------------
(* Quorum with act, which says of the last step its action, all its parameters and
   what it sent. The state before and act give the state behind it. *)
EXTENDS MCQuorum

VARIABLE act

\* In place of Label.
Act(name, m, arg, cut, effects) ==
    act' = [name |-> name, member |-> m, arg |-> arg, cut |-> cut,
            sent |-> Outgoing(effects)]

InitGraph == Init /\ act = [name |-> "Init"]

\* Enough of each to show every step, in a graph small enough to be replayed whole:
\* one accusation before a restart, and none behind it.
Graph ==
    /\ Small
    /\ \A m \in Honest : mem[m] # None =>
        Cardinality(mem[m].evidence) + starts[m] <= MaxStarts

SpecGraph == InitGraph /\ [][Next]_<<vars, act>>

=============================================================================
