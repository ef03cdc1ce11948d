module

public import Omega.Spec.Codec
public import Omega.Proof.Key

/-! # Proofs about the codec of events -/

@[expose] public noncomputable section

namespace Omega

/-- A split gives two parts that make up the bytes, the first of the length asked for; and any two
such parts are a split. -/
theorem splitBytes_eq_some {n : Nat} {bytes first rest : Bytes} :
    splitBytes n bytes = some (first, rest) ↔ bytes = first ++ rest ∧ first.length = n := by
  unfold splitBytes
  constructor
  · intro h
    split at h
    · next hn =>
      simp only [Option.some.injEq, Prod.mk.injEq] at h
      obtain ⟨rfl, rfl⟩ := h
      exact ⟨(List.take_append_drop n bytes).symm, List.length_take_of_le hn⟩
    · simp at h
  · rintro ⟨rfl, rfl⟩
    rw [if_pos (by rw [List.length_append]; omega), List.take_left, List.drop_left]

theorem splitBytes_append {n : Nat} (first rest : Bytes) (h : first.length = n) :
    splitBytes n (first ++ rest) = some (first, rest) :=
  splitBytes_eq_some.mpr ⟨rfl, h⟩

theorem length_encodeInt32 (v : Int) : (encodeInt32 v).length = 4 := Bytes.length_toBytes 4 _

theorem decodeInt32_encodeInt32 {v : Int} (h1 : -2 ^ 31 ≤ v) (h2 : v < 2 ^ 31) :
    decodeInt32 (encodeInt32 v) = v := by
  have hb : ofBytes (encodeInt32 v) = (v % 2 ^ 32).toNat :=
    Bytes.ofBytes_toBytes (by omega)
  unfold decodeInt32
  rw [hb]
  split <;> omega

theorem decodeInt32_range {b : Bytes} (h : b.length = 4) :
    -2 ^ 31 ≤ decodeInt32 b ∧ decodeInt32 b < 2 ^ 31 := by
  have := Bytes.ofBytes_lt b
  rw [h] at this
  unfold decodeInt32
  split <;> omega

theorem encodeInt32_decodeInt32 {b : Bytes} (h : b.length = 4) :
    encodeInt32 (decodeInt32 b) = b := by
  have hlt := Bytes.ofBytes_lt b
  rw [h] at hlt
  have : (decodeInt32 b % 2 ^ 32).toNat = ofBytes b := by
    unfold decodeInt32
    split <;> omega
  rw [encodeInt32, this]
  exact Bytes.toBytes_ofBytes_of_length h

namespace Key

theorem length_flatMap_encode (ks : List Key) : (ks.flatMap encode).length = 28 * ks.length := by
  induction ks with
  | nil => rfl
  | cons k ks ih =>
    rw [List.flatMap_cons, List.length_append, ih, length_encode, List.length_cons]
    omega

theorem decodeMany_append (ks : List Key) (rest : Bytes) :
    decodeMany ks.length (ks.flatMap encode ++ rest) = some (ks, rest) := by
  induction ks with
  | nil => rfl
  | cons k ks ih =>
    rw [List.flatMap_cons, List.append_assoc, List.length_cons, decodeMany,
      splitBytes_append _ _ (length_encode k)]
    simp only [Option.bind_eq_bind, Option.bind_some, decode_encode, ih]
    rfl

theorem decodeMany_eq_some {n : Nat} {b rest : Bytes} {ks : List Key}
    (h : decodeMany n b = some (ks, rest)) : b = ks.flatMap encode ++ rest ∧ ks.length = n := by
  induction n generalizing b ks with
  | zero =>
    simp only [decodeMany, Option.some.injEq, Prod.mk.injEq] at h
    obtain ⟨rfl, rfl⟩ := h
    exact ⟨rfl, rfl⟩
  | succ n ih =>
    simp only [decodeMany, Option.bind_eq_bind, Option.bind_eq_some_iff, Prod.exists] at h
    obtain ⟨first, b', hs, k, hk, ks', b'', hm, hr⟩ := h
    simp only [Option.pure_def, Option.some.injEq, Prod.mk.injEq] at hr
    obtain ⟨rfl, rfl⟩ := hr
    obtain ⟨rfl, hl⟩ := ih hm
    obtain ⟨rfl, _⟩ := splitBytes_eq_some.mp hs
    rw [← encode_of_decode hk, List.flatMap_cons, List.append_assoc, List.length_cons, hl]
    exact ⟨rfl, rfl⟩

end Key

namespace Event

theorem length_encode (e : Event) : e.encode.length = e.size := by
  simp only [encode, size, List.length_append, Key.length_encode, length_encodeInt32,
    Bytes.length_toBytes, Key.length_flatMap_encode]
  omega

theorem decode_encode {e : Event} (h : e.Valid) : decode e.encode = some e := by
  have hs := h.max_size
  have hd := h.dep_count
  have hsize : e.size = 38 + 28 * e.deps.length + e.payload.length := rfl
  rw [decode, if_neg (by rw [length_encode]; omega), encode]
  simp only [List.append_assoc]
  rw [splitBytes_append _ _ (Key.length_encode _)]
  simp only [Option.bind_eq_bind, Option.bind_some, Key.decode_encode]
  rw [splitBytes_append _ _ (length_encodeInt32 _)]
  simp only [Option.bind_some]
  rw [splitBytes_append _ _ (Bytes.length_toBytes 2 _)]
  simp only [Option.bind_some]
  rw [Bytes.ofBytes_toBytes (by omega), Key.decodeMany_append]
  simp only [Option.bind_some]
  rw [splitBytes_append _ _ (Bytes.length_toBytes 4 _)]
  simp only [Option.bind_some]
  rw [Bytes.ofBytes_toBytes (by omega), if_pos ⟨rfl, h.dep_order⟩,
    decodeInt32_encodeInt32 h.value_lower h.value_upper]

/-- What decodes is valid and encodes back to the same bytes. -/
theorem of_decode {b : Bytes} {e : Event} (h : decode b = some e) : e.Valid ∧ e.encode = b := by
  unfold decode at h
  split at h
  · simp at h
  · next hb =>
    simp only [Option.bind_eq_bind, Option.bind_eq_some_iff, Prod.exists] at h
    obtain ⟨key, r1, h1, k, hk, value, r2, h2, count, r3, h3, deps, r4, h4, len, payload, h5, h⟩ := h
    split at h
    · next hp =>
      rw [Option.some.injEq] at h
      obtain ⟨rfl, _⟩ := splitBytes_eq_some.mp h1
      obtain ⟨rfl, hv⟩ := splitBytes_eq_some.mp h2
      obtain ⟨rfl, hc⟩ := splitBytes_eq_some.mp h3
      obtain ⟨rfl, hd⟩ := Key.decodeMany_eq_some h4
      obtain ⟨rfl, hl⟩ := splitBytes_eq_some.mp h5
      subst h
      have he : Event.encode ⟨k, decodeInt32 value, deps, payload⟩ =
          key ++ (value ++ (count ++ (deps.flatMap Key.encode ++ (len ++ payload)))) := by
        simp only [encode, List.append_assoc]
        rw [Key.encode_of_decode hk, encodeInt32_decodeInt32 hv, hd, hp.1,
          Bytes.toBytes_ofBytes_of_length hc, Bytes.toBytes_ofBytes_of_length hl]
      refine ⟨⟨(decodeInt32_range hv).1, (decodeInt32_range hv).2, ?_, hp.2, ?_⟩, he⟩
      · have := Bytes.ofBytes_lt count
        rw [hc] at this
        dsimp only
        omega
      · rw [← length_encode, he]
        omega
    · simp at h

end Event

theorem Key.increasing_iff (keys : List Key) :
    increasing keys = true ↔ keys.Pairwise (· < ·) := by
  fun_induction increasing keys with
  | case1 a b rest ih =>
    rw [Bool.and_eq_true, decide_eq_true_eq, ih]
    constructor
    · rintro ⟨hab, hp⟩
      refine List.pairwise_cons.mpr ⟨?_, hp⟩
      intro x hx
      rcases List.mem_cons.mp hx with rfl | hx
      · exact hab
      · exact Proof.before_is_transitive a b x hab ((List.pairwise_cons.mp hp).1 x hx)
    · intro h
      have h := List.pairwise_cons.mp h
      exact ⟨h.1 b List.mem_cons_self, h.2⟩
  | case2 rest hr =>
    match rest, hr with
    | [], _ => simp
    | [_], _ => simp
    | a :: b :: r, hr => exact absurd rfl (hr a b r)

theorem Proof.increasing_keys_are_smaller_than_all_that_follow :
    Claim.increasing_keys_are_smaller_than_all_that_follow :=
  Key.increasing_iff

theorem Witness.increasing_keys_are_smaller_than_all_that_follow : ∃ (_ : List Key), True :=
  ⟨[⟨5, 3, 1, 8⟩, ⟨6, 2, 1, 9⟩], trivial⟩

/-- An event for witnesses, with two deps and a payload. -/
def Event.sample : Event :=
  ⟨⟨7, 3, 1, 10⟩, -500, [⟨5, 3, 1, 8⟩, ⟨6, 2, 1, 9⟩], [104, 105]⟩

theorem Event.sample_valid : Event.sample.Valid :=
  ⟨by decide, by decide, by decide, by decide +kernel, by decide⟩

theorem Proof.event_is_read_back_from_its_bytes : Claim.event_is_read_back_from_its_bytes :=
  fun _ h => Event.decode_encode h

theorem Witness.event_is_read_back_from_its_bytes : ∃ (e : Event), ∃ (_ : e.Valid), True :=
  ⟨Event.sample, Event.sample_valid, trivial⟩

theorem Proof.what_is_read_as_an_event_is_valid : Claim.what_is_read_as_an_event_is_valid :=
  fun _ _ h => (Event.of_decode h).1

theorem Witness.what_is_read_as_an_event_is_valid :
    ∃ (bytes : Bytes) (e : Event), ∃ (_ : Event.decode bytes = some e), True :=
  ⟨Event.sample.encode, Event.sample, Event.decode_encode Event.sample_valid, trivial⟩

theorem Proof.bytes_of_an_event_are_its_encoding : Claim.bytes_of_an_event_are_its_encoding :=
  fun _ _ h => (Event.of_decode h).2

theorem Witness.bytes_of_an_event_are_its_encoding :
    ∃ (bytes : Bytes) (e : Event), ∃ (_ : Event.decode bytes = some e), True :=
  ⟨Event.sample.encode, Event.sample, Event.decode_encode Event.sample_valid, trivial⟩

theorem Proof.encoding_of_events_is_injective : Claim.encoding_of_events_is_injective := by
  intro a b ha hb h
  have := Event.decode_encode ha
  rw [h, Event.decode_encode hb, Option.some.injEq] at this
  exact this.symm

theorem Witness.encoding_of_events_is_injective :
    ∃ (a b : Event), ∃ (_ : a.Valid), ∃ (_ : b.Valid), ∃ (_ : a.encode = b.encode), True :=
  ⟨Event.sample, Event.sample, Event.sample_valid, Event.sample_valid, rfl, trivial⟩

theorem Proof.event_has_the_bytes_of_its_size : Claim.event_has_the_bytes_of_its_size :=
  Event.length_encode

theorem Witness.event_has_the_bytes_of_its_size : ∃ (_ : Event), True :=
  ⟨Event.sample, trivial⟩

end Omega
