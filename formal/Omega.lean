module

public import Omega.Proof.Bytes
public import Omega.Proof.Key
public import Omega.Proof.Merkle
public import Omega.Proof.MerkleLemmas
public import Omega.Proof.MerkleSound
public import Omega.Spec.Bytes
public import Omega.Spec.Event
public import Omega.Spec.Key
public import Omega.Spec.Merkle
public import Omega.Spec.QuorumRun
public import Omega.Spec.QuorumSafety
public import Omega.Spec.QuorumState
public import Omega.Spec.QuorumStep

/-!
# All modules

Everything that is stated and proved. A module that is not imported here would be checked by nobody;
only the audit (`Omega.Audit`) stands apart: it is run over all of these.
-/
