module

public import Omega.Spec.Merkle
public import Omega.Proof.Codec
public import Omega.Proof.Merkle
public import Omega.Proof.Order

/-! # Proofs about trace roots -/

@[expose] public noncomputable section

namespace Omega

open Order Order.Example

theorem Lemma.valid_events_with_one_encoding_are_equal {a b : List Event}
    (ha : ∀ e ∈ a, e.Valid) (hb : ∀ e ∈ b, e.Valid)
    (h : a.map Event.encode = b.map Event.encode) : a = b := by
  induction a generalizing b with
  | nil =>
    cases b with
    | nil => rfl
    | cons f b => cases h
  | cons e a ih =>
    cases b with
    | nil => cases h
    | cons f b =>
      rw [List.map_cons, List.map_cons] at h
      have hef := (List.cons.inj h).1
      have hab := (List.cons.inj h).2
      have head := Proof.encoding_of_events_is_injective e f (ha e List.mem_cons_self)
        (hb f List.mem_cons_self) hef
      rw [head, ih (fun x hx => ha x (List.mem_cons_of_mem _ hx))
        (fun x hx => hb x (List.mem_cons_of_mem _ hx)) hab]

theorem Proof.permuted_events_have_the_same_trace_root :
    Claim.permuted_events_have_the_same_trace_root := by
  intro hash a b h one
  unfold traceRoot traceLeaves
  rw [traceOf_eq (fun e => h.mem_iff) one]

theorem Witness.permuted_events_have_the_same_trace_root :
    ∃ (_ : Bytes → Bytes) (a b : List Event), ∃ (_ : a.Perm b) (_ : OneVersionEach a), True :=
  ⟨fun _ => List.replicate 32 0, _, _, swapped, one_version, trivial⟩

theorem Proof.a_trace_root_depends_on_the_set_of_events_alone :
    Claim.a_trace_root_depends_on_the_set_of_events_alone := by
  intro hash a b h one
  unfold traceRoot traceLeaves
  rw [traceOf_eq h one]

theorem Witness.a_trace_root_depends_on_the_set_of_events_alone :
    ∃ (_ : Bytes → Bytes) (a b : List Event), ∃ (_ : ∀ e, e ∈ a ↔ e ∈ b) (_ : OneVersionEach a),
      True :=
  ⟨fun _ => List.replicate 32 0, _, _, fun _ => swapped.mem_iff, one_version, trivial⟩

theorem Proof.traces_with_one_root_are_equal_or_collide :
    Claim.traces_with_one_root_are_equal_or_collide := by
  intro hash a b hlen ha hb hroot hne
  apply Proof.leaves_with_one_root_are_equal_or_collide hash _ _ hlen hroot
  intro leaves
  exact hne (Lemma.valid_events_with_one_encoding_are_equal
    (fun e he => ha e ((mem_traceOf a e).mp he)) (fun e he => hb e ((mem_traceOf b e).mp he)) leaves)

theorem Witness.traces_with_one_root_are_equal_or_collide :
    ∃ (hash : Bytes → Bytes) (a b : List Event),
      ∃ (_ : ∀ input, (hash input).length = 32) (_ : ∀ e ∈ a, e.Valid) (_ : ∀ e ∈ b, e.Valid)
        (_ : traceRoot hash a = traceRoot hash b) (_ : traceOf a ≠ traceOf b), True := by
  have one : ∀ e : Event, traceRoot (fun _ => List.replicate 32 0) [e] = List.replicate 32 0 :=
    fun e => Proof.root_of_one_leaf_is_its_hash (fun _ => List.replicate 32 0) e.encode
  refine ⟨fun _ => List.replicate 32 0, [first], [answer], fun _ => rfl, ?_, ?_, ?_, by decide,
    trivial⟩
  · intro e he
    rw [List.mem_singleton.mp he]
    exact ⟨by decide, by decide, by decide, by decide, by decide⟩
  · intro e he
    rw [List.mem_singleton.mp he]
    exact ⟨by decide, by decide, by decide, by decide, by decide⟩
  · rw [one, one]

end Omega
