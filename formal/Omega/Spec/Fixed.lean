module

public import Omega.Spec.Key

/-!
# Fixed point

Clauses FIX-1 to FIX-3 and FIX-5 to FIX-7 of `spec/rules.md`; `impl/kernel/fixed` is the program.
Values and sums are whole numbers of thousandths.
-/

@[expose] public noncomputable section

namespace Omega

namespace Fixed

/-- Whether a number fits an i32, as every value does (FIX-1). -/
def IsI32 (n : Int) : Prop := -2 ^ 31 ≤ n ∧ n < 2 ^ 31

/-- Whether a number fits an i128, as every sum does (FIX-2). -/
def IsI128 (n : Int) : Prop := -2 ^ 127 ≤ n ∧ n < 2 ^ 127

instance (n : Int) : Decidable (IsI32 n) := inferInstanceAs (Decidable (_ ∧ _))
instance (n : Int) : Decidable (IsI128 n) := inferInstanceAs (Decidable (_ ∧ _))

/-- The exact sum. -/
def sum : (values : List Int) → Int
  | [] => 0
  | v :: rest => v + sum rest

/-! ## 128 bits -/

/-- A number cut to 128 bits in two's complement. -/
def wrap (n : Int) : Int := (n + 2 ^ 127) % 2 ^ 128 - 2 ^ 127

/-- The sum in 128 bits, cut after each step. `impl/kernel/fixed` has the step as `Int128.Add`. -/
def wrappedSum (values : List Int) : Int := values.foldl (fun s v => wrap (s + v)) 0

/-- The 16 bytes of an i128, in two's complement (FIX-3). `impl/kernel/fixed` has it as `Bytes`. -/
def encode (n : Int) : Bytes := toBytes 16 (n % 2 ^ 128).toNat

/-- The i128 that 16 bytes are (FIX-3). `impl/kernel/fixed` has it as `FromBytes`. -/
def decode (bytes : Bytes) : Int :=
  if ofBytes bytes < 2 ^ 127 then (ofBytes bytes : Int) else (ofBytes bytes : Int) - 2 ^ 128

/-! ## Means -/

/-- The whole number nearest to `a / n`, of two as near the even one. -/
def nearest (a n : Nat) : Nat :=
  if a % n > n - a % n ∨ a % n = n - a % n ∧ a / n % 2 = 1 then a / n + 1 else a / n

/-- The whole number nearest to `total / count`, of two as near the even one (FIX-6). -/
def meanOf (total : Int) (count : Nat) : Int :=
  if total < 0 then -(nearest total.natAbs count : Int) else (nearest total.natAbs count : Int)

/-- Whether `m` lies at most half a unit from `total / count`. -/
def WithinHalf (total : Int) (count : Nat) (m : Int) : Prop :=
  2 * (m * count - total).natAbs ≤ count

/-- Whether `m` lies half a unit from `total / count`, as another whole number does then. -/
def IsTie (total : Int) (count : Nat) (m : Int) : Prop :=
  2 * (m * count - total).natAbs = count

/-! ## Figures -/

/-- The figures of values (FIX-5): how many, their sum, the least and the greatest of them.
Without values all are 0. -/
structure Stats where
  count : Nat
  total : Int
  least : Int
  greatest : Int
  deriving DecidableEq

/-- The figures of no values. -/
def Stats.empty : Stats := ⟨0, 0, 0, 0⟩

/-- The figures with one value more. -/
def Stats.add (s : Stats) (v : Int) : Stats :=
  if s.count = 0 then ⟨1, s.total + v, v, v⟩
  else ⟨s.count + 1, s.total + v, min s.least v, max s.greatest v⟩

/-- The figures of all values of both (FIX-7). -/
def Stats.merge (s o : Stats) : Stats :=
  if o.count = 0 then s
  else if s.count = 0 then o
  else ⟨s.count + o.count, s.total + o.total, min s.least o.least, max s.greatest o.greatest⟩

/-- The figures of values, taken one by one. -/
def Stats.of (values : List Int) : Stats := values.foldl Stats.add Stats.empty

/-- The mean, where there is one and it fits an i32 (FIX-6). -/
def Stats.mean (s : Stats) : Option Int :=
  if s.count = 0 then none
  else if IsI32 (meanOf s.total s.count) then some (meanOf s.total s.count)
  else none

/-! ## What is not done -/

/-- A number, or the limit of an i32 that it is beyond. -/
def clamp (n : Int) : Int := max (-2 ^ 31) (min (2 ^ 31 - 1) n)

/-- The sum clamped at each step, as saturating arithmetic of 32 bits has it. -/
def clampedSum (values : List Int) : Int := values.foldl (fun s v => clamp (s + v)) 0

end Fixed

open Fixed

namespace Claim

/-! ## Order and grouping -/

/-- An exact sum does not depend on the order of the values. -/
def a_sum_does_not_depend_on_order : Prop :=
  ∀ (a b : List Int), a.Perm b → sum a = sum b

/-- An exact sum does not depend on grouping: sums of parts add up to the sum of the whole. -/
def a_sum_does_not_depend_on_grouping : Prop :=
  ∀ (parts : List (List Int)), sum (parts.map sum) = sum parts.flatten

/-- Figures do not depend on the order of the values. -/
def figures_do_not_depend_on_order : Prop :=
  ∀ (a b : List Int), a.Perm b → Stats.of a = Stats.of b

/-- Figures do not depend on grouping: those of parts merge to those of the whole (FIX-7). -/
def figures_do_not_depend_on_grouping : Prop :=
  ∀ (parts : List (List Int)),
    (parts.map Stats.of).foldl Stats.merge Stats.empty = Stats.of parts.flatten

/-- The figures of two parts merge to those of both. -/
def figures_of_two_parts_merge : Prop :=
  ∀ (a b : List Int), (Stats.of a).merge (Stats.of b) = Stats.of (a ++ b)

/-- Three figures may be merged from either end. -/
def merging_figures_is_associative : Prop :=
  ∀ (a b c : Stats), (a.merge b).merge c = a.merge (b.merge c)

/-- Figures may be merged in either order. (Figures without a count are those of no values: all
that are made of values satisfy it.) -/
def merging_figures_is_commutative : Prop :=
  ∀ (a b : Stats), (a.count = 0 → a = Stats.empty) → (b.count = 0 → b = Stats.empty) →
    a.merge b = b.merge a

/-- The figures of no values, merged into others, change nothing. -/
def merging_no_figures_changes_nothing : Prop :=
  ∀ (s : Stats), s.merge Stats.empty = s

/-- Figures made of values without a count are those of no values. -/
def figures_without_a_count_are_empty : Prop :=
  ∀ (values : List Int), (Stats.of values).count = 0 → Stats.of values = Stats.empty

/-! ## What the figures are -/

/-- The count is the number of values. -/
def the_count_is_the_number_of_values : Prop :=
  ∀ (values : List Int), (Stats.of values).count = values.length

/-- The total is the exact sum. -/
def the_total_is_the_exact_sum : Prop :=
  ∀ (values : List Int), (Stats.of values).total = sum values

/-- No value is below the least one. -/
def no_value_is_below_the_least : Prop :=
  ∀ (values : List Int) (v : Int), v ∈ values → (Stats.of values).least ≤ v

/-- The least value is one of the values. -/
def the_least_is_one_of_the_values : Prop :=
  ∀ (values : List Int), values ≠ [] → (Stats.of values).least ∈ values

/-- No value is above the greatest one. -/
def no_value_is_above_the_greatest : Prop :=
  ∀ (values : List Int) (v : Int), v ∈ values → v ≤ (Stats.of values).greatest

/-- The greatest value is one of the values. -/
def the_greatest_is_one_of_the_values : Prop :=
  ∀ (values : List Int), values ≠ [] → (Stats.of values).greatest ∈ values

/-! ## No overflow -/

/-- The sum of values whose count fits a u64 stays below 2^95 in magnitude (FIX-2). -/
def a_sum_stays_below_two_to_the_95 : Prop :=
  ∀ (values : List Int), (∀ v ∈ values, IsI32 v) → values.length < 2 ^ 64 →
    (sum values).natAbs < 2 ^ 95

/-- The sum of values whose count fits a u64 fits an i128. -/
def a_sum_fits_128_bits : Prop :=
  ∀ (values : List Int), (∀ v ∈ values, IsI32 v) → values.length < 2 ^ 64 → IsI128 (sum values)

/-- So adding in 128 bits, where what is beyond them would be lost at each step, loses nothing. -/
def adding_in_128_bits_is_exact : Prop :=
  ∀ (values : List Int), (∀ v ∈ values, IsI32 v) → values.length < 2 ^ 64 →
    wrappedSum values = sum values

/-- What is cut to 128 bits fits them. -/
def what_is_cut_to_128_bits_fits_them : Prop :=
  ∀ (n : Int), IsI128 (wrap n)

/-- Cutting takes nothing away but multiples of 2^128. -/
def cutting_takes_away_multiples_of_two_to_the_128 : Prop :=
  ∀ (n : Int), (n - wrap n) % 2 ^ 128 = 0

/-- An i128 is read back from its bytes. -/
def an_i128_is_read_back_from_its_bytes : Prop :=
  ∀ (n : Int), IsI128 n → decode (encode n) = n

/-- Any 16 bytes are those of the i128 that they are read as, and that is one. -/
def sixteen_bytes_are_those_of_their_i128 : Prop :=
  ∀ (bytes : Bytes), bytes.length = 16 → encode (decode bytes) = bytes

/-- Whatever 16 bytes are read as fits an i128. -/
def sixteen_bytes_are_an_i128 : Prop :=
  ∀ (bytes : Bytes), bytes.length = 16 → IsI128 (decode bytes)

/-! ## The mean -/

/-- The mean is within half a unit of the exact quotient: |2 (mean * count - total)| ≤ count. -/
def the_mean_is_within_half_a_unit : Prop :=
  ∀ (total : Int) (count : Nat), 0 < count → WithinHalf total count (meanOf total count)

/-- Where two whole numbers are as near, the mean is the even one. -/
def the_mean_is_even_at_a_tie : Prop :=
  ∀ (total : Int) (count : Nat), 0 < count → IsTie total count (meanOf total count) →
    meanOf total count % 2 = 0

/-- No other number than the mean is within half a unit of the quotient and, at a tie, even. -/
def the_mean_is_the_only_such_number : Prop :=
  ∀ (total : Int) (count : Nat) (m : Int), 0 < count → WithinHalf total count m →
    (IsTie total count m → m % 2 = 0) → m = meanOf total count

/-- Values have a mean, and it fits an i32: it is the rounded quotient of sum and count. -/
def the_mean_of_i32_values_is_an_i32 : Prop :=
  ∀ (values : List Int), (∀ v ∈ values, IsI32 v) → values ≠ [] →
    (Stats.of values).mean = some (meanOf (sum values) values.length)

/-- Whatever figures have as mean fits an i32. -/
def a_mean_is_an_i32 : Prop :=
  ∀ (s : Stats) (m : Int), s.mean = some m → IsI32 m

/-- Figures of no values have no mean. -/
def figures_of_no_values_have_no_mean : Prop :=
  ∀ (s : Stats), s.count = 0 → s.mean = none

/-- A mean is not below the least value. -/
def a_mean_is_not_below_the_least : Prop :=
  ∀ (values : List Int) (m : Int), (Stats.of values).mean = some m → (Stats.of values).least ≤ m

/-- A mean is not above the greatest value. -/
def a_mean_is_not_above_the_greatest : Prop :=
  ∀ (values : List Int) (m : Int), (Stats.of values).mean = some m → m ≤ (Stats.of values).greatest

/-- A mean does not depend on the order of the values. -/
def a_mean_does_not_depend_on_order : Prop :=
  ∀ (a b : List Int), a.Perm b → (Stats.of a).mean = (Stats.of b).mean

/-! ## Why sums are exact -/

/-- What is clamped fits an i32. -/
def what_is_clamped_is_an_i32 : Prop :=
  ∀ (n : Int), IsI32 (clamp n)

/-- Clamping changes no i32. -/
def clamping_changes_no_i32 : Prop :=
  ∀ (n : Int), IsI32 n → clamp n = n

/-- Clamping at each step would make the sum depend on the order of the values. -/
def clamping_at_each_step_depends_on_order : Prop :=
  ¬ ∀ (a b : List Int), (∀ v ∈ a, IsI32 v) → a.Perm b → clampedSum a = clampedSum b

/-- Every positive value gives such a case: at the limit, added and taken away it is not what it
is taken away and added. -/
def every_positive_value_shows_that_clamping_depends_on_order : Prop :=
  ∀ (v : Int), 0 < v → v < 2 ^ 31 →
    clampedSum [2 ^ 31 - 1, v, -v] ≠ clampedSum [2 ^ 31 - 1, -v, v]

end Claim

end Omega
