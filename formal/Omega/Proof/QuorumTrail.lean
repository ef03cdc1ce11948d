module

public import Omega.Proof.QuorumFrame

/-!
# The quorum: a member's trail

What holds of it, whatever the member knows: one commit a height, one prepare an attempt, both on
disk as long as the height is not over. And an example.
-/

@[expose] public noncomputable section

namespace Omega.Quorum

/-! ## What a trail holds -/

theorem carryAll_snoc (g : Trail) (es : List Effect) (e : Effect) :
    carryAll g (es ++ [e]) = carry (carryAll g es) e := by
  simp only [carryAll, List.foldl_append, List.foldl_cons, List.foldl_nil]

theorem commitsIn_append (a b : List Wire) : commitsIn (a ++ b) = commitsIn a ++ commitsIn b :=
  List.filterMap_append ..

theorem preparesIn_append (a b : List Wire) :
    preparesIn (a ++ b) = preparesIn a ++ preparesIn b :=
  List.filterMap_append ..

theorem commitsIn_decided : ∀ (l : List Certificate), commitsIn (l.map Wire.decided) = []
  | [] => rfl
  | _ :: l => commitsIn_decided l

theorem preparesIn_decided : ∀ (l : List Certificate), preparesIn (l.map Wire.decided) = []
  | [] => rfl
  | _ :: l => preparesIn_decided l

/-- Two trails with the same disk, log, commits and prepares. -/
structure Same (g u : Trail) : Prop where
  disk : u.disk = g.disk
  log : u.log = g.log
  commits : commitsIn u.sent = commitsIn g.sent
  prepares : preparesIn u.sent = preparesIn g.sent

theorem same_carry (g : Trail) {e : Effect} (h : quietEffect e = true) : Same g (carry g e) := by
  cases e with
  | persist d => cases h
  | append c => cases h
  | send r w =>
    refine ⟨rfl, rfl, ?_, ?_⟩
    · simp only [carry, commitsIn_append]
      cases w with
      | commit m => cases h
      | prepare m => cases h
      | _ => exact List.append_nil _
    · simp only [carry, preparesIn_append]
      cases w with
      | commit m => cases h
      | prepare m => cases h
      | _ => exact List.append_nil _
  | announce c =>
    refine ⟨rfl, rfl, ?_, ?_⟩
    · simp only [carry, commitsIn_append]
      exact List.append_nil _
    · simp only [carry, preparesIn_append]
      exact List.append_nil _
  | sendCertificate r h =>
    refine ⟨rfl, rfl, ?_, ?_⟩
    · simp only [carry, commitsIn_append, commitsIn_decided, List.append_nil]
    · simp only [carry, preparesIn_append, preparesIn_decided, List.append_nil]
  | _ => exact ⟨rfl, rfl, rfl, rfl⟩

section
variable (config : Config) (origin : Chain)

/-- The chain that the trail's log leads to. -/
def chainOf (g : Trail) : Chain := chainAfter config origin g.log

/-- What holds of every trail that a member leaves. -/
structure Sound (g : Trail) : Prop where
  disk : ∀ d, g.disk = some d → d.height ≤ (chainOf config origin g).height
  commits : ∀ c, c ∈ commitsIn g.sent → c.envelope.height ≤ (chainOf config origin g).height
  commitNow : ∀ c, c ∈ commitsIn g.sent → c.envelope.height = (chainOf config origin g).height →
    ∃ d l x, onDisk config origin g = some d ∧ d.lock = some l ∧
      find config d.candidates l.digest = some x ∧
      c = ⟨x.envelope, config.sign (.vote config.chain l.digest)⟩
  commitOnce : ∀ a b, a ∈ commitsIn g.sent → b ∈ commitsIn g.sent →
    a.envelope.height = b.envelope.height → a = b
  prepares : ∀ p, p ∈ preparesIn g.sent → p.1 ≤ (chainOf config origin g).height
  prepareNow : ∀ p, p ∈ preparesIn g.sent → p.1 = (chainOf config origin g).height →
    ∃ d q, onDisk config origin g = some d ∧ d.prepare = some q ∧
      (q = p.2 ∨ p.2.attempt < q.attempt)
  prepareOnce : ∀ a b, a ∈ preparesIn g.sent → b ∈ preparesIn g.sent →
    a.1 = b.1 → a.2.attempt = b.2.attempt → a.2 = b.2
  log : Follows config origin g.log

/-- The second trail comes after the first in a member's life. -/
structure Later (g u : Trail) : Prop where
  log : g.log <+: u.log
  height : (chainOf config origin g).height ≤ (chainOf config origin u).height
  lock : (chainOf config origin u).height = (chainOf config origin g).height →
    ∀ l, (onDisk config origin g).bind (·.lock) = some l →
      (onDisk config origin u).bind (·.lock) = some l

end

variable {config : Config} {origin : Chain}

theorem onDisk_some {g : Trail} {d : Durable} :
    onDisk config origin g = some d ↔
      g.disk = some d ∧ d.height = (chainOf config origin g).height := by
  unfold onDisk chainOf
  simp only [Option.filter_eq_some_iff, beq_iff_eq]

theorem Later.refl (g : Trail) : Later config origin g g :=
  ⟨List.prefix_refl _, Nat.le_refl _, fun _ _ h => h⟩

theorem Later.trans {a b c : Trail} (x : Later config origin a b) (y : Later config origin b c) :
    Later config origin a c := by
  refine ⟨x.log.trans y.log, Nat.le_trans x.height y.height, fun h l hl => ?_⟩
  have h1 := x.height
  have h2 := y.height
  exact y.lock (by omega) l (x.lock (by omega) l hl)

theorem same_chain {g u : Trail} (s : Same g u) :
    chainOf config origin u = chainOf config origin g := by
  unfold chainOf
  rw [s.log]

theorem same_onDisk {g u : Trail} (s : Same g u) :
    onDisk config origin u = onDisk config origin g := by
  unfold onDisk
  rw [s.log, s.disk]

theorem Later.same {g u : Trail} (s : Same g u) : Later config origin g u := by
  refine ⟨by rw [s.log]; exact List.prefix_refl _, by rw [same_chain s]; exact Nat.le_refl _, ?_⟩
  intro _ l h
  rw [same_onDisk s]
  exact h

theorem Sound.same {g u : Trail} (h : Sound config origin g) (s : Same g u) :
    Sound config origin u := by
  constructor <;>
    simp only [same_chain s, same_onDisk s, s.disk, s.log, s.commits, s.prepares]
  · exact h.disk
  · exact h.commits
  · exact h.commitNow
  · exact h.commitOnce
  · exact h.prepares
  · exact h.prepareNow
  · exact h.prepareOnce
  · exact h.log

/-! ### The four effects that count -/

theorem onDisk_persist {g : Trail} {d : Durable}
    (hh : d.height = (chainOf config origin g).height) :
    onDisk config origin (carry g (.persist d)) = some d :=
  onDisk_some.mpr ⟨rfl, hh⟩

theorem Sound.persist {g : Trail} (h : Sound config origin g) {d : Durable}
    (hh : d.height = (chainOf config origin g).height)
    (hl : ∀ e l x, onDisk config origin g = some e → e.lock = some l →
      find config e.candidates l.digest = some x →
      d.lock = some l ∧ find config d.candidates l.digest = some x)
    (hp : ∀ e q, onDisk config origin g = some e → e.prepare = some q →
      ∃ p, d.prepare = some p ∧ (p = q ∨ q.attempt < p.attempt)) :
    Sound config origin (carry g (.persist d)) := by
  refine ⟨?_, h.commits, ?_, h.commitOnce, h.prepares, ?_, h.prepareOnce, h.log⟩
  · intro e he
    have : d = e := by simpa [carry] using he
    subst this
    exact Nat.le_of_eq hh
  · intro c hc heq
    obtain ⟨e, l, x, he, hle, hx, rfl⟩ := h.commitNow c hc heq
    obtain ⟨h1, h2⟩ := hl e l x he hle hx
    exact ⟨d, l, x, onDisk_persist hh, h1, h2, rfl⟩
  · intro p hmem heq
    obtain ⟨e, q, he, hq, hcase⟩ := h.prepareNow p hmem heq
    obtain ⟨r, hr, hrq⟩ := hp e q he hq
    refine ⟨d, r, onDisk_persist hh, hr, ?_⟩
    cases hrq with
    | inl hrq => subst hrq; exact hcase
    | inr hrq =>
      cases hcase with
      | inl hcase => subst hcase; exact .inr hrq
      | inr hcase => exact .inr (Nat.lt_trans hcase hrq)

theorem mem_commitsIn_send {g : Trail} {r : Option Member} {m : Commit} {c : SignedCommit}
    (h : c ∈ commitsIn (carry g (.send r (.commit m))).sent) :
    c ∈ commitsIn g.sent ∨ c = m.signed := by
  simp only [carry, commitsIn_append, List.mem_append] at h
  cases h with
  | inl h => exact .inl h
  | inr h => exact .inr (List.mem_singleton.mp h)

theorem Sound.commit {g : Trail} (h : Sound config origin g) (r : Option Member) {m : Commit}
    {d : Durable} {l : Proof} {x : Content}
    (hd : onDisk config origin g = some d) (hl : d.lock = some l)
    (hx : find config d.candidates l.digest = some x)
    (hm : m.signed = ⟨x.envelope, config.sign (.vote config.chain l.digest)⟩)
    (hh : x.envelope.height = (chainOf config origin g).height) :
    Sound config origin (carry g (.send r (.commit m))) := by
  have hsame : preparesIn (carry g (.send r (.commit m))).sent = preparesIn g.sent := by
    simp only [carry, preparesIn_append]
    exact List.append_nil _
  have hnew : m.signed.envelope.height = (chainOf config origin g).height := by rw [hm]; exact hh
  have hold : ∀ c, c ∈ commitsIn g.sent → c.envelope.height = (chainOf config origin g).height →
      c = m.signed := by
    intro c hc heq
    obtain ⟨e, k, y, he, hk, hy, hcy⟩ := h.commitNow c hc heq
    rw [hd] at he
    cases he
    rw [hl] at hk
    cases hk
    rw [hx] at hy
    cases hy
    rw [hcy, hm]
  refine ⟨h.disk, ?_, ?_, ?_, ?_, ?_, ?_, h.log⟩
  · intro c hc
    cases mem_commitsIn_send hc with
    | inl hc => exact h.commits c hc
    | inr hc => subst hc; exact Nat.le_of_eq hnew
  · intro c hc heq
    cases mem_commitsIn_send hc with
    | inl hc => exact h.commitNow c hc heq
    | inr hc => exact ⟨d, l, x, hd, hl, hx, hc.trans hm⟩
  · intro a b ha hb heq
    cases mem_commitsIn_send ha with
    | inl ha =>
      cases mem_commitsIn_send hb with
      | inl hb => exact h.commitOnce a b ha hb heq
      | inr hb => subst hb; exact hold a ha (heq.trans hnew)
    | inr ha =>
      cases mem_commitsIn_send hb with
      | inl hb => subst ha; exact (hold b hb (heq.symm.trans hnew)).symm
      | inr hb => exact ha.trans hb.symm
  · rw [hsame]; exact h.prepares
  · rw [hsame]; exact h.prepareNow
  · rw [hsame]; exact h.prepareOnce

theorem mem_preparesIn_send {g : Trail} {r : Option Member} {m : Prepare} {p : Nat × SignedPrepare}
    (h : p ∈ preparesIn (carry g (.send r (.prepare m))).sent) :
    p ∈ preparesIn g.sent ∨ p = (m.height, m.signed) := by
  simp only [carry, preparesIn_append, List.mem_append] at h
  cases h with
  | inl h => exact .inl h
  | inr h => exact .inr (List.mem_singleton.mp h)

theorem Sound.prepare {g : Trail} (h : Sound config origin g) (r : Option Member) {m : Prepare}
    {d : Durable} (hd : onDisk config origin g = some d) (hq : d.prepare = some m.signed)
    (hh : m.height = (chainOf config origin g).height) :
    Sound config origin (carry g (.send r (.prepare m))) := by
  have hsame : commitsIn (carry g (.send r (.prepare m))).sent = commitsIn g.sent := by
    simp only [carry, commitsIn_append]
    exact List.append_nil _
  have hold : ∀ p, p ∈ preparesIn g.sent → p.1 = (chainOf config origin g).height →
      p.2.attempt = m.signed.attempt → p.2 = m.signed := by
    intro p hp heq hatt
    obtain ⟨e, q, he, hqe, hcase⟩ := h.prepareNow p hp heq
    rw [hd] at he
    cases he
    rw [hq] at hqe
    cases hqe
    cases hcase with
    | inl hc => exact hc.symm
    | inr hc => omega
  refine ⟨h.disk, ?_, ?_, ?_, ?_, ?_, ?_, h.log⟩
  · rw [hsame]; exact h.commits
  · rw [hsame]; exact h.commitNow
  · rw [hsame]; exact h.commitOnce
  · intro p hp
    cases mem_preparesIn_send hp with
    | inl hp => exact h.prepares p hp
    | inr hp => subst hp; exact Nat.le_of_eq hh
  · intro p hp heq
    cases mem_preparesIn_send hp with
    | inl hp => exact h.prepareNow p hp heq
    | inr hp => subst hp; exact ⟨d, m.signed, hd, hq, .inl rfl⟩
  · intro a b ha hb heq hatt
    cases mem_preparesIn_send ha with
    | inl ha =>
      cases mem_preparesIn_send hb with
      | inl hb => exact h.prepareOnce a b ha hb heq hatt
      | inr hb => subst hb; exact hold a ha (heq.trans hh) hatt
    | inr ha =>
      cases mem_preparesIn_send hb with
      | inl hb => subst ha; exact (hold b hb (heq.symm.trans hh) hatt.symm).symm
      | inr hb => rw [ha, hb]

theorem follow_some {chain next : Chain} {content : Content}
    (h : follow config chain content = some next) :
    content.envelope.height = chain.height ∧ content.envelope.previous = chain.head ∧
      next = extend config chain content.envelope := by
  unfold follow at h
  dsimp only at h
  split at h
  · rename_i hc
    simp only [Bool.and_eq_true, beq_iff_eq] at hc
    cases h
    exact ⟨hc.1.1.2, hc.1.2, rfl⟩
  · cases h

theorem follows_snoc (c : Certificate) :
    ∀ (l : List Certificate) (chain : Chain), Follows config chain l →
      (follow config (chainAfter config chain l) c.content).isSome = true →
      Follows config chain (l ++ [c])
  | [], chain, _, h => by
    obtain ⟨next, hn⟩ := Option.isSome_iff_exists.mp h
    have hf := follow_some hn
    exact ⟨⟨hf.1, hf.2.1, h⟩, trivial⟩
  | x :: l, chain, hl, h => ⟨hl.1, follows_snoc c l _ hl.2 h⟩

theorem chainOf_append (g : Trail) (c : Certificate) :
    chainOf config origin (carry g (.append c))
      = extend config (chainOf config origin g) c.content.envelope := by
  simp only [chainOf, carry, chainAfter, List.foldl_append, List.foldl_cons, List.foldl_nil]

theorem Sound.append {g : Trail} (h : Sound config origin g) {c : Certificate}
    (hc : (follow config (chainOf config origin g) c.content).isSome = true) :
    Sound config origin (carry g (.append c)) := by
  have hh : (chainOf config origin (carry g (.append c))).height
      = (chainOf config origin g).height + 1 := by
    rw [chainOf_append]; rfl
  refine ⟨?_, ?_, ?_, h.commitOnce, ?_, ?_, h.prepareOnce, ?_⟩
  · intro d hd
    have := h.disk d hd
    omega
  · intro x hx
    have := h.commits x hx
    omega
  · intro x hx heq
    have := h.commits x hx
    omega
  · intro p hp
    have := h.prepares p hp
    omega
  · intro p hp heq
    have := h.prepares p hp
    omega
  · exact follows_snoc c g.log origin h.log hc

theorem onDisk_append {g : Trail} (h : Sound config origin g) (c : Certificate) :
    onDisk config origin (carry g (.append c)) = none := by
  cases hd : onDisk config origin (carry g (.append c)) with
  | none => rfl
  | some d =>
    obtain ⟨h1, h2⟩ := onDisk_some.mp hd
    have h3 := h.disk d h1
    rw [chainOf_append] at h2
    have h4 : d.height = (chainOf config origin g).height + 1 := h2
    omega

theorem Later.append (g : Trail) (c : Certificate) :
    Later config origin g (carry g (.append c)) := by
  have hh : (chainOf config origin (carry g (.append c))).height
      = (chainOf config origin g).height + 1 := by
    rw [chainOf_append]; rfl
  refine ⟨List.prefix_append _ _, by omega, ?_⟩
  intro heq
  omega

/-! ### All prefixes of effects -/

/-- After each effect the trail is sound and comes later than the one before them all. -/
def Traced (config : Config) (origin : Chain) (g : Trail) (es : List Effect) : Prop :=
  ∀ k, Sound config origin (carryAll g (es.take k)) ∧
    Later config origin g (carryAll g (es.take k))

theorem Traced.now {g : Trail} {es : List Effect} (h : Traced config origin g es) :
    Sound config origin (carryAll g es) ∧ Later config origin g (carryAll g es) := by
  have := h es.length
  rwa [List.take_length] at this

theorem Traced.nil {g : Trail} (h : Sound config origin g) : Traced config origin g [] := by
  intro k
  rw [List.take_nil]
  exact ⟨h, Later.refl g⟩

theorem Traced.snoc {g : Trail} {es : List Effect} (h : Traced config origin g es) {e : Effect}
    (hs : Sound config origin (carry (carryAll g es) e))
    (hl : Later config origin (carryAll g es) (carry (carryAll g es) e)) :
    Traced config origin g (es ++ [e]) := by
  intro k
  by_cases hk : k ≤ es.length
  · rw [List.take_append_of_le_length hk]
    exact h k
  · have hlen : (es ++ [e]).length ≤ k := by
      simp only [List.length_append, List.length_cons, List.length_nil]
      omega
    rw [List.take_of_length_le hlen, carryAll_snoc]
    exact ⟨hs, h.now.2.trans hl⟩

theorem Traced.quiet {g : Trail} : ∀ {more : List Effect} {es : List Effect},
    Traced config origin g es → (∀ e ∈ more, quietEffect e = true) →
      Traced config origin g (es ++ more) ∧ Same (carryAll g es) (carryAll g (es ++ more))
  | [], es, h, _ => by
    rw [List.append_nil]
    exact ⟨h, rfl, rfl, rfl, rfl⟩
  | e :: more, es, h, hq => by
    have he : quietEffect e = true := hq e (List.mem_cons_self ..)
    have hsame := same_carry (carryAll g es) he
    have h1 : Traced config origin g (es ++ [e]) :=
      h.snoc (h.now.1.same hsame) (Later.same hsame)
    have h2 := Traced.quiet (more := more) h1 (fun x hx => hq x (List.mem_cons_of_mem _ hx))
    rw [List.append_assoc, List.singleton_append] at h2
    refine ⟨h2.1, ?_⟩
    have h3 := h2.2
    rw [carryAll_snoc] at h3
    exact ⟨h3.disk.trans hsame.disk, h3.log.trans hsame.log, h3.commits.trans hsame.commits,
      h3.prepares.trans hsame.prepares⟩

end Omega.Quorum

namespace Omega.Quorum.Example

/-!
## An example

A run of three honest members that certify a merge, with a hash and signatures that are plain
numbers; the kernel computes it. It shows that the step is alive, and gives the claims their
witnesses.
-/

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
