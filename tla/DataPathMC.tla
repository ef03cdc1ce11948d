----------------------------- MODULE DataPathMC -----------------------------
(***************************************************************************)
(* Sizes for DataPath.tla: sections that meet every rule in few events.    *)
(***************************************************************************)
EXTENDS DataPath, TLC

\* Honest members are alike.
Symmetric == Permutations(Honest)

Event(l, n, text, deps) == [key |-> <<l, n>>, text |-> text, deps |-> deps]

\* One history of two nodes, with a cause in the other node's section and one in an overlap.
First  == Event(1, 1, "a", {})
Second == Event(2, 2, "a", {<<1, 1>>})
Third  == Event(3, 1, "a", {<<2, 2>>})

Writer1   == <<First, Third>>
Writer2   == <<Second, First>>              \* overlaps with Writer1, not in order
LateFile  == <<Event(2, 1, "a", {})>>       \* stale once Writer1 is certified
Rewritten == <<Event(1, 1, "b", {})>>       \* another version of First
Broken    == <<Event(4, 2, "a", {<<4, 2>>, <<3, 9>>})>> \* its own cause, and one that nobody has

Overlaps == 1 :> Writer1 @@ 2 :> Writer2
Stale    == 1 :> Writer1 @@ 2 :> Writer2 @@ 3 :> LateFile
Forked   == 1 :> Writer1 @@ 2 :> Rewritten @@ 3 :> Writer2
Circular == 1 :> <<Event(4, 2, "a", {<<4, 2>>})>>
\* The same in two sections: the first glues alone, the second never does, both disagree on a key.
Tangled  == 1 :> Writer2 @@ 2 :> Rewritten \o <<Third>> \o Broken
All      == 1 :> Writer1 @@ 2 :> Writer2 @@ 3 :> LateFile @@ 4 :> Rewritten \o Broken

\* A bound: of all that the members have at hand, one section at most is there twice.
Doubles(m) == Len(pool[m]) - Cardinality(Range(pool[m]))
OneDouble  == \A a, b \in Members : a # b => Doubles(a) + Doubles(b) <= 1

(* What has to be reachable, so that the properties are about something. *)
AllSettled     == \E m \in Honest : settled[m] = Names
Obstructed(k)   == \E m \in Honest : \E h \in DOMAIN log[m] : \E i \in DOMAIN log[m][h].obstructions :
                     log[m][h].obstructions[i][2] = k
ObstructedEquivocation == Obstructed("equivocation")
ObstructedLamport == Obstructed("lamport")
ObstructedMissing == Obstructed("missing-dep")
ObstructedStale == Obstructed("stale")
OrdersDiffer    == \E a, b \in Honest : Range(pool[a]) = Range(pool[b]) /\ pool[a] # pool[b]
UnionCertified  == \E m \in Honest : \E h \in DOMAIN log[m] : \E x \in prepares : x.height = h /\ x.attempt = 1 /\ x.member = m
RepeatsDropped  == \E m \in Honest : \E h \in DOMAIN log[m] : log[m][h].kind = "merge" /\
                     \E x \in manifests : x.height = h /\ \E s \in x.names :
                       \E e \in Range(Sections[s]) : e \notin Range(log[m][h].trace)
MergedAfterObstruction == \E m \in Honest : \E g, h \in DOMAIN log[m] :
                     g < h /\ log[m][g].kind = "obstruction" /\ log[m][h].kind = "merge" /\ log[m][h].trace # <<>>
=============================================================================
