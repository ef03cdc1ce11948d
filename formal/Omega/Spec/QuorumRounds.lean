module

public import Omega.Spec.QuorumStep

/-!
# The quorum: the loop of a step ends

In Go, `progress` goes through attempts until there is nothing more to do. The function here is
given three attempts to go through; more of them would change nothing.
-/

@[expose] public noncomputable section

namespace Omega.Claim

open Quorum

/-- Three attempts are all that a step can go through: with more it does the same. What is assumed
holds of every state that a member comes to: as many prepares are held as there are members, and the
own one of the current attempt is the own newest. -/
def three_attempts_a_step_are_enough : Prop :=
  ∀ (config : Config) (t : Turn) (more : Nat),
    t.state.prepares.length = config.members →
    (∀ (p : SignedPrepare),
      (t.state.held config.self).current = some p → mine config t.state = some p) →
    rounds config (more + 3) t = rounds config 3 t

end Omega.Claim
