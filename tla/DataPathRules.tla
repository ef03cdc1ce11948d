--------------------------- MODULE DataPathRules ---------------------------
(***************************************************************************)
(* What makes a batch of sections admissible, twice: as the rules say it   *)
(* (clauses GLU, INV and OBS of spec/rules.md), over sets, and as the code *)
(* does it (impl/kernel/section, impl/kernel/invariant), by merging runs   *)
(* of frames and one pass over the merged keys.  DataPath.tla runs the     *)
(* second and checks it against the first.                                 *)
(*                                                                         *)
(* A key is <<lamport, node>>: one stream a node, and one event a Lamport  *)
(* time, which is all that the rules look at.  An event is a record        *)
(*   [key, text, deps]   text stands for value and payload                 *)
(* and a section is a sequence of events, its frames in file order.        *)
(*                                                                         *)
(* The past is a record                                                    *)
(*   [certified, quarantined]   sets of events (INV-1)                     *)
(* A result is a record                                                    *)
(*   [kind, trace, obstructions, quarantine]                               *)
(* of kind "merge", with the trace, or "obstruction", with the sequence    *)
(* of <<key, kind, dep>> in canonical order and the events that a          *)
(* certificate of it sets aside.                                           *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANT Dropped \* names of the rules that a negative model leaves out

NoDep == <<0, 0>>

KeyLess(a, b) == a[1] < b[1] \/ (a[1] = b[1] /\ a[2] < b[2])

Range(s) == {s[i] : i \in DOMAIN s}

SortBy(set, Less(_, _)) ==
  LET RECURSIVE Sorted(_)
      Sorted(rest) ==
        IF rest = {} THEN <<>>
        ELSE LET least == CHOOSE x \in rest : \A y \in rest : ~Less(y, x)
             IN <<least>> \o Sorted(rest \ {least})
  IN Sorted(set)

Keys(events) == {e.key : e \in events}
VersionsOf(k, events) == {e \in events : e.key = k}
PastEvents(past) == past.certified \union past.quarantined

-----------------------------------------------------------------------------
(* The rules, over sets. *)

\* INV-4: at or before the stream's frontier, which quarantined events do not move.
Late(k, past) == \E e \in past.certified : e.key[2] = k[2] /\ ~KeyLess(e.key, k)

KindRank == [k \in {"equivocation", "lamport", "missing-dep", "stale"} |->
  CASE k = "equivocation" -> 1 [] k = "lamport" -> 2 [] k = "missing-dep" -> 3 [] k = "stale" -> 4]

\* OBS-2
ObstructionLess(a, b) ==
  \/ KeyLess(a[1], b[1])
  \/ a[1] = b[1] /\ KindRank[a[2]] < KindRank[b[2]]
  \/ a[1] = b[1] /\ a[2] = b[2] /\ KeyLess(a[3], b[3])

\* INV-2 to INV-7: every <<key, kind, dep>> that stands against the events of a batch.
TrueObstructions(events, past) ==
  LET old == PastEvents(past)
      known == Keys(old)
      new == {e \in events : e.key \notin known}
      present == Keys(events) \union known
  IN {<<k, "equivocation", NoDep>> :
        k \in {j \in Keys(events) : IF j \in known THEN VersionsOf(j, events) \ old # {}
                                                   ELSE Cardinality(VersionsOf(j, events)) > 1}}
     \union
     UNION {{<<e.key, "lamport", d>> : d \in {d \in e.deps : d[1] >= e.key[1]}} : e \in new}
     \union
     UNION {{<<e.key, "missing-dep", d>> :
                d \in {d \in e.deps : d[1] < e.key[1] /\ d \notin present}} : e \in new}
     \union
     {<<e.key, "stale", NoDep>> : e \in {e \in new : Late(e.key, past)}}

\* INV-8: what a merge of the events holds.
Fresh(events, past) == events \ PastEvents(past)

-----------------------------------------------------------------------------
(* The code's way: merge the sections as runs, group by key, one pass. *)

\* Two sorted runs to one; of equal keys the first run's come first.
RECURSIVE MergeRuns(_, _)
MergeRuns(a, b) ==
  IF a = <<>> THEN b
  ELSE IF b = <<>> THEN a
  ELSE IF KeyLess(Head(b).key, Head(a).key) THEN <<Head(b)>> \o MergeRuns(a, Tail(b))
  ELSE <<Head(a)>> \o MergeRuns(Tail(a), b)

\* A section to a sorted run, whatever its file order (SEC-4).
RECURSIVE Run(_)
Run(frames) == IF frames = <<>> THEN <<>> ELSE MergeRuns(Run(Tail(frames)), <<Head(frames)>>)

RECURSIVE MergeAll(_)
MergeAll(sections) ==
  IF sections = <<>> THEN <<>>
  ELSE IF "sort" \in Dropped THEN Head(sections) \o MergeAll(Tail(sections))
  ELSE MergeRuns(Run(Head(sections)), MergeAll(Tail(sections)))

\* The frames of the first key at the head of a merged sequence, and what follows them.
RECURSIVE HeadGroup(_)
HeadGroup(frames) ==
  IF Len(frames) < 2 \/ frames[1].key # frames[2].key THEN <<Head(frames)>>
  ELSE <<Head(frames)>> \o HeadGroup(Tail(frames))

AfterGroup(frames) == SubSeq(frames, Len(HeadGroup(frames)) + 1, Len(frames))

\* What stands against one key with these versions, in canonical order.
Judge(k, versions, present, past) ==
  LET old == VersionsOf(k, PastEvents(past))
      deps == UNION {e.deps : e \in versions}
      equivocation == IF "equivocation" \in Dropped THEN FALSE
                      ELSE IF old # {} THEN versions \ old # {} ELSE Cardinality(versions) > 1
      lamport == IF "lamport" \in Dropped THEN {} ELSE {d \in deps : d[1] >= k[1]}
      missing == IF "missing-dep" \in Dropped THEN {}
                 ELSE {d \in deps : d[1] < k[1] /\ d \notin present}
      stale == "stale" \notin Dropped /\ Late(k, past)
      each(kind, ds) == [i \in 1..Cardinality(ds) |-> <<k, kind, SortBy(ds, KeyLess)[i]>>]
  IN (IF equivocation THEN <<<<k, "equivocation", NoDep>>>> ELSE <<>>)
     \o (IF old # {} THEN <<>>
         ELSE each("lamport", lamport) \o each("missing-dep", missing)
              \o (IF stale THEN <<<<k, "stale", NoDep>>>> ELSE <<>>))

\* One pass over the merged frames: the trace so far and the obstructions so far.
RECURSIVE Scan(_, _, _)
Scan(frames, present, past) ==
  IF frames = <<>> THEN [trace |-> <<>>, obstructions |-> <<>>]
  ELSE LET group == HeadGroup(frames)
           versions == Range(group)
           fresh == IF "repeats" \in Dropped THEN versions ELSE versions \ PastEvents(past)
           rest == Scan(AfterGroup(frames), present, past)
           found == Judge(group[1].key, versions, present, past)
       IN [trace |-> IF fresh = {} THEN rest.trace
                     \* More than one version only where a rule is dropped: the first one wins.
                     ELSE <<group[CHOOSE i \in DOMAIN group :
                              group[i] \in fresh /\ \A j \in 1..i-1 : group[j] \notin fresh]>> \o rest.trace,
           obstructions |-> found \o rest.obstructions]

\* OBS-3, OBS-5: the versions that an obstruction concerns.
Concerned(o, events) ==
  {e \in VersionsOf(o[1], events) : o[2] \in {"lamport", "missing-dep"} => o[3] \in e.deps}

Reconcile(sections, past) ==
  LET frames == MergeAll(sections)
      events == Range(frames)
      scanned == Scan(frames, Keys(events) \union Keys(PastEvents(past)), past)
      found == IF "all" \in Dropped /\ Len(scanned.obstructions) > 1
               THEN <<Head(scanned.obstructions)>> ELSE scanned.obstructions
  IN IF found = <<>>
     THEN [kind |-> "merge", trace |-> scanned.trace, obstructions |-> <<>>, quarantine |-> {}]
     ELSE [kind |-> "obstruction", trace |-> <<>>, obstructions |-> found,
           quarantine |-> (UNION {Concerned(o, events) : o \in Range(found)}) \ past.certified]
=============================================================================
