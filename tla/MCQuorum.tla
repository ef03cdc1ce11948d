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

\* Where one member alone may find an older disk.
ValueSymmetry == Permutations(Values)

\* Where there is one value alone.
MemberSymmetry == Permutations(Honest)

\* Nothing is held at this height yet.
Untouched(s) == s.newest = Nobody /\ s.commits = Nobody /\ s.own = None

\* States beyond are checked, and not gone on from. Sound for safety within them.
Small ==
    /\ Sum(starts, Honest) <= MaxStarts
    /\ \A m \in Honest :
        /\ Len(log[m]) <= MaxHeight
        /\ Len(log[m]) = MaxHeight /\ mem[m] # None => Untouched(mem[m])
        /\ mem[m] # None => mem[m].attempt <= MaxAttempt

\* In place of MayCrash: who cannot start again within the bound does not crash. It would
\* be silent from then on, which every run has.
RestartsOnly(m) ==
    Sum(starts, Honest) + Cardinality({i \in Honest : mem[i] = None}) < MaxStarts

\* ... or nobody, where Restore is the only crash.
NoCrash(m) == FALSE

\* What a liar says is heard when it is of use: its prepare in that attempt or in a proof,
\* its commit behind the own lock. Till then it changes nothing but what is held.
LiesInTime == \A m \in Honest : mem[m] # None => \A i \in Liars :
    LET s == mem[m] IN
    /\ s.newest[i] # None =>
        \/ s.newest[i].attempt <= s.attempt
        \/ s.proof # None /\ s.newest[i].attempt <= s.proof.attempt
    /\ s.commits[i] # None => s.lock # None

\* Evidence decides nothing but what is told again.
View == <<[m \in Honest |-> IF mem[m] = None THEN None ELSE [mem[m] EXCEPT !.evidence = {}]],
          disk, log, net, starts, backup>>

-----------------------------------------------------------------------------
(* What must be reachable, so that nothing above holds for want of runs *)

SomeoneLocked == \E m \in Honest : LockOf(m) # None

LockedLater == \E m \in Honest : LockOf(m) # None /\ LockOf(m).attempt > 0

SplitPrepares == \E x, y \in Sent("prepare") :
    x.height = y.height /\ x.attempt = y.attempt /\ x.digest # y.digest

\* An unlocked member stands for the proof of an older attempt.
CarriedOver == \E m \in Honest :
    /\ mem[m] # None /\ mem[m].lock = None /\ mem[m].proof # None
    /\ mem[m].newest[m].attempt > mem[m].proof.attempt

AllCertified == \A m \in Honest : Len(log[m]) >= 1

SecondHeight == \E m \in Honest : Len(log[m]) >= 2

CrashedLocked == \E m \in Honest :
    mem[m] = None /\ disk[m] # None /\ disk[m].lock # None

\* Somebody had prepared before it crashed, and all have certified.
CertifiedAfterCrash == AllCertified /\ \E x \in Sent("reply") :
    x.nonce > 1 /\ x.height = 1 /\ x.prepare # None

\* ... had committed.
CommittedAndCrashed == AllCertified /\ \E x \in Sent("reply") :
    x.nonce > 1 /\ x.height = 1 /\ x.commit # None

\* Who adopts before it is ready asks again for the new height.
AdoptedUnready == \E x \in Sent("resync") : x.height > 1

\* A proof was taken over, and the crash came before anything was done by it.
CrashedLearnt == \E m \in Honest : mem[m] = None /\ disk[m] # None /\ disk[m].proof # None
    /\ disk[m].lock = None

Accused == \E m \in Honest : mem[m] # None /\ mem[m].evidence # {}

Halted == \E m \in Honest : mem[m] # None /\ mem[m].halted # None

=============================================================================
