------------------------------ MODULE MCQuorum ------------------------------
(* Quorum with bounds for TLC: constants, symmetry, constraint, what must be
   reachable, and the specification for progress. *)
EXTENDS Quorum, TLC

CONSTANTS
    MaxAttempt,  \* honest members are followed up to this attempt
    MaxHeight,   \* ... and up to so many certificates
    MaxStarts    \* how many starts all members have together

RECURSIVE Sum(_, _)
Sum(f, S) == IF S = {} THEN 0
             ELSE LET i == CHOOSE i \in S : TRUE IN f[i] + Sum(f, S \ {i})

Symmetry == Permutations(Honest) \cup Permutations(Values)

\* States beyond are checked, and not gone on from. Sound for safety within them.
Small ==
    /\ Sum(starts, Honest) <= MaxStarts
    /\ \A m \in Honest :
        /\ Len(log[m]) <= MaxHeight
        /\ Len(log[m]) = MaxHeight => mem[m] = None \/ mem[m].newest[m] = None
        /\ mem[m] # None => mem[m].attempt <= MaxAttempt

\* Evidence decides nothing but what is told again.
View == <<[m \in Honest |-> IF mem[m] = None THEN None ELSE [mem[m] EXCEPT !.evidence = {}]],
          disk, log, net, starts, backup>>

=============================================================================
