------------------------------- MODULE Counter -------------------------------
(* A counter of two bits, the model of the package's tests. *)
EXTENDS Naturals
VARIABLES high, low, act

Init == high = 0 /\ low = 0 /\ act = [name |-> "Init"]

FlipHigh == /\ high' = 1 - high
            /\ low' = low
            /\ act' = [name |-> "Flip", bit |-> "high"]

FlipLow == /\ low' = 1 - low
           /\ high' = high
           /\ act' = [name |-> "Flip", bit |-> "low"]

Next == FlipHigh \/ FlipLow

Spec == Init /\ [][Next]_<<high, low, act>>

HighSet == high = 1
BothSet == high = 1 /\ low = 1
NeverSet == high = 3

Bound == low = 0 \/ high = 0
=============================================================================
