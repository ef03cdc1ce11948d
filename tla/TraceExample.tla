---- MODULE TraceExample ----
EXTENDS TraceQuorum
CONSTANTS m1, m2, v1
x1 == [from |-> m1, height |-> 1, nonce |-> 1, type |-> "resync"]
x2 == (m1 :> None @@ m2 :> None)
x3 == [answered |-> {m1}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x2, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x2, nonce |-> 1, own |-> None, proof |-> None]
x4 == [from |-> m2, height |-> 1, nonce |-> 1, type |-> "resync"]
x5 == [answered |-> {m2}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x2, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x2, nonce |-> 1, own |-> None, proof |-> None]
x6 == [commit |-> None, from |-> m2, height |-> 1, nonce |-> 1, prepare |-> None, to |-> m1, type |-> "reply"]
x7 == [commit |-> None, from |-> m1, height |-> 1, nonce |-> 1, prepare |-> None, to |-> m2, type |-> "reply"]
x8 == [answered |-> {m1, m2}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x2, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x2, nonce |-> 1, own |-> None, proof |-> None]
x9 == [attempt |-> 0, digest |-> <<v1>>, from |-> m1, height |-> 1, proof |-> None, type |-> "prepare"]
x10 == [attempt |-> 0, digest |-> <<v1>>]
x11 == (m1 :> x10 @@ m2 :> None)
x12 == [answered |-> {m1, m2}, attempt |-> 0, candidates |-> {<<v1>>}, commits |-> x2, current |-> x11, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x11, nonce |-> 1, own |-> <<v1>>, proof |-> None]
x13 == [candidates |-> {<<v1>>}, lock |-> None, prepare |-> x10, proof |-> None]
x14 == [answered |-> {m1, m2}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x11, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x11, nonce |-> 1, own |-> None, proof |-> None]
x15 == [attempt |-> 0, digest |-> <<v1>>, from |-> m2, height |-> 1, proof |-> None, type |-> "prepare"]
x16 == [attempt |-> 0, by |-> {m1, m2}, digest |-> <<v1>>]
x17 == [digest |-> <<v1>>, from |-> m2, proof |-> x16, type |-> "commit"]
x18 == (m1 :> None @@ m2 :> <<v1>>)
x19 == [answered |-> {m1, m2}, attempt |-> 0, candidates |-> {<<v1>>}, commits |-> x18, current |-> (m1 :> x10 @@ m2 :> x10), evidence |-> {}, halted |-> None, lock |-> x16, newest |-> (m1 :> x10 @@ m2 :> x10), nonce |-> 1, own |-> <<v1>>, proof |-> x16]
x20 == [candidates |-> {<<v1>>}, lock |-> x16, prepare |-> x10, proof |-> x16]
x21 == [digest |-> <<v1>>, from |-> m1, proof |-> x16, type |-> "commit"]
x22 == [digest |-> <<v1>>, type |-> "decided", votes |-> {m1, m2}]
x23 == [from |-> m1, height |-> 1, nonce |-> 2, type |-> "resync"]
x24 == [answered |-> {m1}, attempt |-> 0, candidates |-> {<<v1>>}, commits |-> x2, current |-> (m1 :> x10 @@ m2 :> x10), evidence |-> {}, halted |-> None, lock |-> x16, newest |-> (m1 :> x10 @@ m2 :> x10), nonce |-> 2, own |-> None, proof |-> x16]
x25 == [from |-> m1, height |-> 2, nonce |-> 2, type |-> "resync"]
x26 == [answered |-> {m1}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x2, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x2, nonce |-> 2, own |-> None, proof |-> None]
x27 == [commit |-> None, from |-> m2, height |-> 2, nonce |-> 2, prepare |-> None, to |-> m1, type |-> "reply"]
x28 == [answered |-> {m1, m2}, attempt |-> 0, candidates |-> {}, commits |-> x2, current |-> x2, evidence |-> {}, halted |-> None, lock |-> None, newest |-> x2, nonce |-> 2, own |-> None, proof |-> None]
t1 == <<
[member |-> m1, seq |-> 0, act |-> "Start", arg |-> 1, cause |-> 0, refused |-> FALSE, sent |-> {x1}, cut |-> 0, state |-> x3, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 0, act |-> "Start", arg |-> 1, cause |-> 0, refused |-> FALSE, sent |-> {x4}, cut |-> 0, state |-> x5, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 1, act |-> "RecvResync", arg |-> x1, cause |-> 1, refused |-> FALSE, sent |-> {x6}, cut |-> 0, state |-> x5, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 1, act |-> "RecvResync", arg |-> x4, cause |-> 2, refused |-> FALSE, sent |-> {x7}, cut |-> 0, state |-> x3, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 2, act |-> "RecvReply", arg |-> x6, cause |-> 3, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 2, act |-> "RecvReply", arg |-> x7, cause |-> 4, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 3, act |-> "Candidate", arg |-> <<v1>>, cause |-> 0, refused |-> FALSE, sent |-> {x9}, cut |-> 0, state |-> x12, disk |-> x13, log |-> <<>>],
[member |-> m2, seq |-> 3, act |-> "RecvPrepare", arg |-> x9, cause |-> 7, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x14, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 4, act |-> "Candidate", arg |-> <<v1>>, cause |-> 0, refused |-> FALSE, sent |-> {x15, x17}, cut |-> 0, state |-> x19, disk |-> x20, log |-> <<>>],
[member |-> m1, seq |-> 4, act |-> "RecvCommit", arg |-> x17, cause |-> 9, refused |-> FALSE, sent |-> {x21}, cut |-> 3, state |-> None, disk |-> x20, log |-> <<>>],
[member |-> m2, seq |-> 5, act |-> "RecvCommit", arg |-> x21, cause |-> 10, refused |-> FALSE, sent |-> {x22}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 5, act |-> "Start", arg |-> 2, cause |-> 0, refused |-> FALSE, sent |-> {x23}, cut |-> 0, state |-> x24, disk |-> x20, log |-> <<>>],
[member |-> m2, seq |-> 6, act |-> "Tick", arg |-> None, cause |-> 0, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m2, seq |-> 7, act |-> "RecvResync", arg |-> x23, cause |-> 12, refused |-> FALSE, sent |-> {x22}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 6, act |-> "RecvDecided", arg |-> x22, cause |-> 14, refused |-> FALSE, sent |-> {x25}, cut |-> 0, state |-> x26, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m2, seq |-> 8, act |-> "RecvResync", arg |-> x25, cause |-> 15, refused |-> FALSE, sent |-> {x27}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 7, act |-> "RecvReply", arg |-> x27, cause |-> 16, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x28, disk |-> None, log |-> <<<<v1>>>>]>>
Recorded == <<t1>>
t2 == <<
[member |-> m1, seq |-> 0, act |-> "Start", arg |-> 1, cause |-> 0, refused |-> FALSE, sent |-> {x1}, cut |-> 0, state |-> x3, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 0, act |-> "Start", arg |-> 1, cause |-> 0, refused |-> FALSE, sent |-> {x4}, cut |-> 0, state |-> x5, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 1, act |-> "RecvResync", arg |-> x1, cause |-> 1, refused |-> FALSE, sent |-> {x6}, cut |-> 0, state |-> x5, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 1, act |-> "RecvResync", arg |-> x4, cause |-> 2, refused |-> FALSE, sent |-> {x7}, cut |-> 0, state |-> x3, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 2, act |-> "RecvReply", arg |-> x6, cause |-> 3, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<>>],
[member |-> m2, seq |-> 2, act |-> "RecvReply", arg |-> x7, cause |-> 4, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 3, act |-> "Candidate", arg |-> <<v1>>, cause |-> 0, refused |-> FALSE, sent |-> {x9}, cut |-> 0, state |-> x12, disk |-> x13, log |-> <<>>],
[member |-> m2, seq |-> 3, act |-> "RecvPrepare", arg |-> x9, cause |-> 7, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x14, disk |-> None, log |-> <<>>],
[member |-> m1, seq |-> 4, act |-> "RecvCommit", arg |-> x17, cause |-> 17, refused |-> FALSE, sent |-> {x21}, cut |-> 3, state |-> None, disk |-> x20, log |-> <<>>],
[member |-> m2, seq |-> 5, act |-> "RecvCommit", arg |-> x21, cause |-> 9, refused |-> FALSE, sent |-> {x22}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 5, act |-> "Start", arg |-> 2, cause |-> 0, refused |-> FALSE, sent |-> {x23}, cut |-> 0, state |-> x24, disk |-> x20, log |-> <<>>],
[member |-> m2, seq |-> 6, act |-> "Tick", arg |-> None, cause |-> 0, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m2, seq |-> 7, act |-> "RecvResync", arg |-> x23, cause |-> 11, refused |-> FALSE, sent |-> {x22}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 6, act |-> "RecvDecided", arg |-> x22, cause |-> 13, refused |-> FALSE, sent |-> {x25}, cut |-> 0, state |-> x26, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m2, seq |-> 8, act |-> "RecvResync", arg |-> x25, cause |-> 14, refused |-> FALSE, sent |-> {x27}, cut |-> 0, state |-> x8, disk |-> None, log |-> <<<<v1>>>>],
[member |-> m1, seq |-> 7, act |-> "RecvReply", arg |-> x27, cause |-> 15, refused |-> FALSE, sent |-> {}, cut |-> 0, state |-> x28, disk |-> None, log |-> <<<<v1>>>>]>>
Forged == <<t2>>
====
