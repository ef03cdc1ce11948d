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

Bound == low = 0 \/ high = 0
=============================================================================
