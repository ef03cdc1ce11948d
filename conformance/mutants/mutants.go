// Package mutants shows that each check can fail: it plants faults, one at a time,
// and runs the checks that must catch them.
//
// # Terms
//
// A fault is one small change to one declaration of a source file: a comparison
// turned, a bound off by one, a check dropped, an fsync removed, a domain tag
// changed. The file with the change is a mutant. A check is one test of one
// package, one property of one model, or one theorem. A mutant is killed where
// every check that its fault names fails by it, each judged for itself; where one
// of them passes, the mutant survives, and that is red. A mutant that does not
// compile, a check that runs out of time or is not there, and a check that fails
// without any fault are errors of the ledger, and red as well.
//
// # The ledger of faults
//
// The faults stand in the files faults/*.txt, one file a package. A fault of
// impl/kernel/key, as it stands in faults/key.txt:
//
//	fault key-compare-event-id
//	in impl/kernel/key/key.go Key.Compare
//	- bytes.Compare(k[:], o[:])
//	+ bytes.Compare(k[:14], o[:14])
//	by impl/kernel/key TestComparingBytesComparesK
//	by conformance/examples TestKeysAreThoseOfTheExamples
//
// "in" names the file and the declaration in it: a function, a method with its
// type before it, a constant, a variable. The lines behind "-", which must
// occur exactly once in the declaration, are replaced by those behind "+".
// Where the declaration is not itself an exported function of the kernel, "of"
// names the one that counts the fault as its own, and that must reach the
// declaration: "of quorum.Step". Each "by" names a check:
//
//	by impl/kernel/key TestText/upper       the test, or the subtest, of a Go package
//	by tla/QuorumTwo.cfg Agreement          what TLC must find wrong there
//	by formal/Omega/Proof/Key.lean theorem  where Lean must refuse the module
//
// Lines that begin with # are for readers.
//
// Faults of three kinds are planted elsewhere, each time anew: the negative
// configurations of tla/, each a model without one rule, which the layer tla
// requires to violate what their heads say; the files of formal/negative, which the
// layer lean requires to be refused; and the corrupted traces of conformance/traces,
// all of which that layer requires to be rejected.
//
// # How a mutant is run
//
// A mutant of Go code never touches the checkout. It is a file in a temporary
// folder, which `go test -overlay` puts in the place of the original: the scratch
// copy of a checkout is this one file. The build cache is shared, so only
// what depends on the change is compiled, and tests read the real files beside
// them. Random draws have a fixed seed, so that a mutant is killed in every run or
// in none. A mutant of a model or of a specification is a copy of tla/ or formal/
// with the change.
//
// The tests of conformance/vectors only write what the mutants give; at the end one
// process of Lean judges the vectors of all.
//
// What a run has shown is kept in the user's cache under a hash of the checkout's
// content, for package ledger: see Shown.
package mutants
