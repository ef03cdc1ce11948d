module

public import Omega.Spec.QuorumSafety

/-! A run of three honest members that certify a merge, with a hash and signatures that are plain
numbers; the kernel computes it. It shows that the step is alive, and gives the claims their
witnesses. -/

@[expose] public noncomputable section

namespace Omega.Quorum.Example

/-- A statement as a number. -/
def code : Statement → Nat
  | .prepare _ height attempt digest => (digest * 100 + height * 10 + attempt) * 4
  | .vote _ digest => digest * 4 + 1
  | .resync _ sender height nonce => (nonce * 100 + sender * 10 + height) * 4 + 2
  | .reply _ sender receiver height nonce _ _ =>
    (nonce * 1000 + sender * 100 + receiver * 10 + height) * 4 + 3

/-- One of three members. A member's signature is the statement's number and its own. -/
def config (self : Fin 3) : Config where
  chain := 7
  members := 3
  self := self
  hash e := e.height * 1000 + e.rest
  fits _ _ := true
  sign statement := code statement * 3 + self.val
  verify member statement signature := signature == code statement * 3 + member

/-- The chain behind its genesis. -/
def origin : Chain := { head := 7, height := 1, past := [⟨0, 0, 0, 7⟩] }

/-- The content that all three make. -/
def content : Content := ⟨⟨1, 1, 7, 5⟩, []⟩

/-- Another content of the same height. -/
def other : Content := ⟨⟨1, 1, 7, 6⟩, []⟩

/-- A certificate of a content with all three votes. -/
def certify (content : Content) : Certificate :=
  ⟨content, [0, 1, 2].map fun (i : Fin 3) =>
    (config i).sign (.vote 7 ((config i).hash content.envelope))⟩

/-- The peers of a member. -/
def peers (i : Fin 3) : List (Fin 3) := [0, 1, 2].filter (· ≠ i)

/-- What a member asks after its start. -/
def resync (i : Fin 3) : Wire :=
  .resync ⟨7, i, 1, 10 + i, (config i).sign (.resync 7 i 1 (10 + i))⟩

/-- What member `i` answers to member `j`. -/
def reply (i j : Fin 3) : Wire :=
  .reply ⟨7, i, j, 1, 10 + j, none, none, (config i).sign (.reply 7 i j 1 (10 + j) none none)⟩

/-- A member's prepare in attempt 0. -/
def signedPrepare (i : Fin 3) : SignedPrepare := ⟨0, 1005, (config i).sign (.prepare 7 1 0 1005)⟩

/-- It, on its way. -/
def prepare (i : Fin 3) : Wire := .prepare ⟨7, i, 1, signedPrepare i, none⟩

/-- The proof that the three prepares are. -/
def proof : Proof := ⟨0, 1005, [0, 1, 2].map fun i => (signedPrepare i).signature⟩

/-- A member's vote. -/
def signedCommit (i : Fin 3) : SignedCommit := ⟨content.envelope, (config i).sign (.vote 7 1005)⟩

/-- It, on its way. -/
def commit (i : Fin 3) : Wire := .commit ⟨7, i, signedCommit i, some proof⟩

/-- What a member takes until it is ready. -/
def opening (i : Fin 3) : List Input :=
  [⟨.start none (10 + i), none⟩] ++ (peers i).map (fun j => ⟨.wire (resync j), none⟩)
    ++ (peers i).map fun j => ⟨.wire (reply j i), none⟩

/-- What a member takes until it is locked: its candidate, and the prepares. -/
def locking (i : Fin 3) : List Input :=
  opening i ++ [⟨.candidate 0 content, none⟩]
    ++ (peers i).map fun j => ⟨.wire (prepare j), none⟩

/-- The commits of its peers. -/
def commits (i : Fin 3) : List Input :=
  (peers i).map fun j => ⟨.wire (commit j), none⟩

/-- What a peer answers after the member has crashed with its lock on disk. -/
def lateReply (i j : Fin 3) : Wire :=
  .reply ⟨7, i, j, 1, 20, some (signedPrepare j), some (signedCommit j),
    (config i).sign (.reply 7 i j 1 20 (some (signedPrepare j)) (some (signedCommit j)))⟩

/-- A member that crashes behind its commit, starts again, and is told what it has signed. -/
def crashing (i : Fin 3) : List Input :=
  locking i ++ [⟨.tick, some 2⟩, ⟨.start none 20, none⟩]
    ++ (peers i).map fun j => ⟨.wire (lateReply j i), none⟩

/-- The messages of peers among inputs. -/
def wires : List Input → List Wire
  | [] => []
  | ⟨.wire w, _⟩ :: rest => w :: wires rest
  | _ :: rest => wires rest

/-- Three honest members certify in these messages: each appends the certificate with all three
votes. -/
theorem three_members_certify :
    ∀ (i : Fin 3),
      (run (config i) origin (locking i ++ commits i)).trail.log = [certify content] := by
  decide +kernel

/-- Each message that one of them takes is one that another one has sent. -/
theorem what_they_take_has_been_sent :
    ∀ (i : Fin 3), (wires (locking i ++ commits i)).all (fun w =>
      [0, 1, 2].any fun j =>
        decide (w ∈ (run (config j) origin (locking j ++ commits j)).trail.sent)) = true := by
  decide +kernel

/-- A member that crashes behind its commit sends the same commit after its start, and certifies. -/
theorem a_crashed_member_certifies :
    ∀ (i : Fin 3),
      (commitsIn (run (config i) origin (crashing i)).trail.sent).length = 3 ∧
      (run (config i) origin (crashing i ++ commits i)).trail.log = [certify content] := by
  decide +kernel

end Omega.Quorum.Example
