module

public import Omega.Proof.Chain
public import Omega.Proof.Codec
public import Omega.Proof.Fixed
public import Omega.Proof.FixedLemmas
public import Omega.Proof.Frame
public import Omega.Proof.History
public import Omega.Proof.Invariant
public import Omega.Proof.Key
public import Omega.Proof.Merkle
public import Omega.Proof.MerkleLemmas
public import Omega.Proof.MerkleSound
public import Omega.Proof.Order
public import Omega.Proof.QuorumFrame
public import Omega.Proof.QuorumLife
public import Omega.Proof.QuorumLocked
public import Omega.Proof.QuorumMessages
public import Omega.Proof.QuorumOnce
public import Omega.Proof.QuorumSafety
public import Omega.Proof.QuorumTrail
public import Omega.Proof.QuorumVerified
public import Omega.Proof.Section
public import Omega.Spec.Chain
public import Omega.Spec.Codec
public import Omega.Spec.Fixed
public import Omega.Spec.Invariant
public import Omega.Spec.Key
public import Omega.Spec.Merkle
public import Omega.Spec.Order
public import Omega.Spec.QuorumSafety
public import Omega.Spec.QuorumState
public import Omega.Spec.QuorumStep
public import Omega.Spec.Section

/-!
# All modules

Everything that is stated and proved. A module that is not imported here would be checked by nobody;
only the audit (`Omega.Audit`) stands apart: it is run over all of these.
-/
