module

public meta import Lean

/-!
# The audit

What the compiler does not ask of the theorems of this package. For each claim `Omega.Claim.X`

* `Omega.Proof.X` is a theorem, and what it states is the claim, no more and no less;
* `Omega.Witness.X` is a theorem that states that the claim's hypotheses can hold: the claim with
  each `∀` and each hypothesis turned into `∃` and its conclusion into `True`;

there is no proof or witness without a claim; and what they rest on, through all lemmas, holds no
axiom but the three of Lean's library, and nothing of ours that is declared as an axiom, opaque,
unsafe, partial, or with other code than its own.

Of core, a module shows the definitions but not the bodies of theorems. A constant of core whose
body is not shown is a leaf here: it is counted, and trusted. Where the audit is run by a file that
is no module, all bodies are shown, and there is no leaf.

The functions below use little of Lean's library, since one of the builds that this runs on carries
no code for what the compiler takes apart, such as folds over arrays.
-/

public meta section

namespace Omega.Audit

open Lean

/-- A name as people write it. -/
def text : Name → String
  | .anonymous => ""
  | .str .anonymous s => s
  | .str p s => text p ++ "." ++ s
  | .num p n => text p ++ "." ++ toString n

/-- The elements of an array from index `i` on, before `rest`. -/
partial def toList (names : Array Name) (rest : List Name) (i : Nat := 0) : List Name :=
  if i < names.size then names.getD i .anonymous :: toList names rest (i + 1) else rest

/-- One list before another. -/
def join : List Name → List Name → List Name
  | [], rest => rest
  | n :: names, rest => n :: join names rest

/-- A set of names: a search tree by their hashes. -/
inductive Names where
  | empty
  | node (left : Names) (name : Name) (right : Names)

/-- Whether a name is in the set. -/
def Names.has (n : Name) : Names → Bool
  | .empty => false
  | .node l m r => if n.hash < m.hash then l.has n else m == n || r.has n

/-- The set with a name added. -/
def Names.add (n : Name) : Names → Names
  | .empty => .node .empty n .empty
  | .node l m r => if n.hash < m.hash then .node (l.add n) m r else .node l m (r.add n)

/-- What the audit has seen. -/
structure Seen where
  names : Names := .empty
  /-- Constants of this package. -/
  ours : Nat := 0
  /-- Constants of core whose body was read. -/
  read : Nat := 0
  /-- Constants of core whose body is not shown. -/
  leaves : Nat := 0
  axioms : List Name := []
  /-- The last one first: a name, and what is wrong with it. -/
  findings : List (Name × String) := []

def Seen.find (s : Seen) (n : Name) (what : String) : Seen :=
  { s with findings := (n, what) :: s.findings }

/-- Whether a module is part of this package. -/
def isOurs (module : Name) : Bool := module.getRoot == `Omega

/-- Whether a constant is declared in this package, or in the file being checked. -/
def isOwn (env : Environment) (n : Name) : Bool :=
  match env.getModuleIdxFor? n with
  | none => true
  | some i => isOurs (env.header.moduleNames.getD i .anonymous)

/-- What a constant uses, before `rest`. -/
def uses (c : ConstantInfo) (rest : List Name) : List Name :=
  let rest := toList c.type.getUsedConstants rest
  match c with
  | .defnInfo v => toList v.value.getUsedConstants rest
  | .thmInfo v => toList v.value.getUsedConstants rest
  | .opaqueInfo v => toList v.value.getUsedConstants rest
  | .inductInfo v => join v.ctors rest
  | .ctorInfo v => v.induct :: rest
  | _ => rest

/-- Whether a constant is stated but its body is not shown. -/
def isLeaf (env : Environment) (n : Name) (c : ConstantInfo) : Bool :=
  match c with
  | .axiomInfo _ => !(getOriginalConstKind? env n matches some .axiom)
  | _ => false

def isStandard (n : Name) : Bool :=
  n == `propext || n == `Classical.choice || n == `Quot.sound

/-- Whether a name is that of an axiom that is not allowed. -/
def isForbidden (env : Environment) (n : Name) : Bool :=
  (getOriginalConstKind? env n matches some .axiom) && !isStandard n

/-- Tells of each axiom that is not allowed that the constant `n` uses it. -/
def judgeUses (env : Environment) (n : Name) : List Name → Seen → Seen
  | [], s => s
  | u :: rest, s =>
    judgeUses env n rest (if isForbidden env u then s.find n ("uses the axiom " ++ text u) else s)

/-- Judges a constant of this package. -/
def judgeOwn (env : Environment) (n : Name) (c : ConstantInfo) (s : Seen) : Seen :=
  let s := judgeUses env n (uses c []) { s with ours := s.ours + 1 }
  let s := if isLeaf env n c then s.find n "its body is not shown: it is not audited" else s
  let s := match c with
    | .axiomInfo _ => if isLeaf env n c then s else s.find n "is an axiom of this package"
    | .opaqueInfo _ => s.find n "is opaque"
    | _ => s
  let s := if c.isUnsafe then s.find n "is unsafe" else s
  let s := if c.isPartial then s.find n "is partial" else s
  let s := if (Compiler.getImplementedBy? env n).isSome then s.find n "is implemented by other code" else s
  if isExtern env n then s.find n "is implemented by foreign code" else s

/-- Whether a constant is the compiler's own copy of a recursive definition. It is partial, and the
kernel lets nothing that is not use it. -/
def isCopy (n : Name) : Bool := n matches .str _ "_unsafe_rec"

/-- Those of the names that are not the compiler's own. -/
def withoutCopies : List Name → List Name
  | [] => []
  | n :: names => if isCopy n then withoutCopies names else n :: withoutCopies names

/-- Judges a constant of core. -/
def judgeCore (env : Environment) (n : Name) (c : ConstantInfo) (s : Seen) : Seen :=
  if isLeaf env n c then { s with leaves := s.leaves + 1 }
  else match c with
    | .axiomInfo _ =>
      let s := { s with axioms := n :: s.axioms }
      if isStandard n then s else s.find n "is an axiom that is not allowed"
    | _ => { s with read := s.read + 1 }

/-- Judges constants and all that they use, each once. -/
partial def walk (env : Environment) : List Name → Seen → Seen
  | [], s => s
  | n :: rest, s =>
    if s.names.has n then walk env rest s
    else
      let s := { s with names := s.names.add n }
      match env.find? n with
      | none => walk env rest (s.find n "is not declared")
      | some c =>
        walk env (uses c rest) (if isOwn env n then judgeOwn env n c s else judgeCore env n c s)

/-- Whether `witness` is `claim` with each binder as `∃` and the conclusion as `True`; else what
stands where something else should. -/
partial def differs (claim witness : Expr) (binder : Nat := 1) : Option String :=
  match claim, witness with
  | .mdata _ c, w => differs c w binder
  | c, .mdata _ w => differs c w binder
  | .forallE x t b _, .app (.app (.const `Exists _) t') (.lam _ t'' b' _) =>
    if t == t' && t == t'' then differs b b' (binder + 1)
    else some ("at binder " ++ toString binder ++ ", " ++ text x ++ ", it has " ++ toString t' ++ " instead of "
      ++ toString t)
  | .forallE x t _ _, w =>
    some ("at binder " ++ toString binder ++ ", " ++ text x ++ " : " ++ toString t ++ ", it has " ++ toString w)
  | _, .const `True _ => none
  | _, w => some ("after the claim's " ++ toString (binder - 1) ++ " binders it has " ++ toString w ++ " instead of True")

/-- Whether a list of level parameters is that of a constant's levels, in order. -/
def sameLevels : List Name → List Level → Bool
  | [], [] => true
  | n :: ns, .param m :: ls => n == m && sameLevels ns ls
  | _, _ => false

def checkProof (env : Environment) (claim : Name) (name : Name) (s : Seen) : Seen :=
  match env.find? name with
  | some (.thmInfo v) =>
    match v.type with
    | .const c ls =>
      if c == claim && sameLevels v.levelParams ls then s
      else s.find name ("does not state " ++ text claim)
    | _ => s.find name ("does not state " ++ text claim)
  | some _ => s.find name "is no theorem"
  | none => s.find claim "has no proof"

def checkWitness (env : Environment) (claim : Name) (value : Expr) (name : Name) (s : Seen) : Seen :=
  match env.find? name with
  | some (.thmInfo v) =>
    match differs value v.type with
    | none => s
    | some what => s.find name ("does not state that the hypotheses of " ++ text claim ++ " can hold: " ++ what)
  | some _ => s.find name "is no theorem"
  | none => s.find claim "has no witness"

/-- Judges a claim with its proof and its witness. -/
def checkClaim (env : Environment) (short : String) (s : Seen) : Seen :=
  let claim := `Omega.Claim ++ .mkSimple short
  match env.find? claim with
  | some (.defnInfo v) =>
    match v.type with
    | .sort .zero =>
      checkWitness env claim v.value (`Omega.Witness ++ .mkSimple short)
        (checkProof env claim (`Omega.Proof ++ .mkSimple short) s)
    | _ => s.find claim "is no closed proposition"
  | some _ => s.find claim "is no definition"
  | none => s

/-- How many names stand for what. -/
structure Counts where
  claims : Nat := 0
  proofs : Nat := 0
  witnesses : Nat := 0

/-- Judges names as names: which are claims, proofs and witnesses. -/
def checkNames (env : Environment) : List Name → Counts → Seen → Counts × Seen
  | [], c, s => (c, s)
  | n :: rest, c, s =>
    match n with
    | .str (.str (.str .anonymous "Omega") "Claim") x =>
      checkNames env rest { c with claims := c.claims + 1 } (checkClaim env x s)
    | .str (.str (.str .anonymous "Omega") "Proof") x =>
      checkNames env rest { c with proofs := c.proofs + 1 } (needsClaim n x s)
    | .str (.str (.str .anonymous "Omega") "Witness") x =>
      checkNames env rest { c with witnesses := c.witnesses + 1 } (needsClaim n x s)
    | _ => checkNames env rest c s
where
  needsClaim (n : Name) (x : String) (s : Seen) : Seen :=
    if (env.find? (`Omega.Claim ++ .mkSimple x)).isSome then s else s.find n "has no claim"

/-- All names that the modules of this package declare, from the `i`th module on. -/
partial def declared (env : Environment) (i : Nat := 0) : List Name :=
  if i < env.header.moduleNames.size then
    let rest := declared env (i + 1)
    match env.header.moduleData[i]? with
    | some data => if isAudited (env.header.moduleNames.getD i .anonymous) then toList data.constNames rest else rest
    | none => rest
  else []
where
  /-- The audit itself promises nothing. -/
  isAudited (module : Name) : Bool := isOurs module && module != `Omega.Audit

def tellAxioms : List Name → IO Unit
  | [] => pure ()
  | n :: rest => do
    tellAxioms rest
    IO.println ("audit: axiom " ++ text n)

def tellFindings : List (Name × String) → IO Unit
  | [] => pure ()
  | (n, what) :: rest => do
    tellFindings rest
    IO.println ("audit: finding " ++ text n ++ ": " ++ what)

/-- Audits the named constants and all that they use. It prints counts and findings, and is an
error if there is one. -/
def check (names : List Name) : Elab.Command.CommandElabM Unit := do
  let env ← getEnv
  let (c, s) := checkNames env names {} (walk env names {})
  IO.println ("audit: count claims " ++ toString c.claims)
  IO.println ("audit: count proofs " ++ toString c.proofs)
  IO.println ("audit: count witnesses " ++ toString c.witnesses)
  IO.println ("audit: count constants " ++ toString s.ours)
  IO.println ("audit: count core_read " ++ toString s.read)
  IO.println ("audit: count core_leaves " ++ toString s.leaves)
  tellAxioms s.axioms
  tellFindings s.findings
  match s.findings with
  | [] => pure ()
  | _ => throw (Exception.error .missing (stringToMessageData "the audit has findings"))

/-- Audits every module of this package that the file imports. -/
def checkAll : Elab.Command.CommandElabM Unit := do
  check (withoutCopies (declared (← getEnv)))

end Omega.Audit
