// Package sim runs the members of a quorum under a simulator: deterministic,
// single-threaded, and made by one seed, from which a run is replayed.
//
// # A run
//
// N members run impl/kernel/quorum's Step, the very code of the product. The
// simulator is their shell: it carries out effects, in order, and crashes members
// between any two. All chance is drawn from the seed:
//
//   - The network loses, doubles and reorders messages, and splits in two for a time.
//   - Members crash at any time and start again from what their disks hold.
//   - Disks fail: the write is not done, or is done and reported as failed, and the
//     member is down (QRM-9).
//   - Clocks stand still, or several timers run out at once.
//   - Liars know what honest members have sent, and act together. They prepare and
//     vote twice, tell two halves two things, show old and forged proofs and
//     certificates, forge signatures, speak of other heights and another chain, send
//     damaged bytes, fall silent, and for a time play along.
//
// Times with faults and times with hardly any take turns, so that faults fall into
// every height. Where nobody lies the faults then end, and within a number of rounds
// that follows from how far the members are apart all must have all the heights.
//
// A judge holds the members to the promises of QRM-9 to QRM-21 at every effect; the
// rules are the values of Rule. The first one broken ends the run, as a *Failure.
//
// # Signatures
//
// A run is some hundred times faster with a keyed hash in the place of Ed25519. The
// control flow is the same: Result.Flow is a hash of who stepped by what, at which
// height and attempt, to which effects, and does not depend on the scheme.
//
// # Disks
//
// A member's disk is two variables, or a Storage. The tests have members on certlog's
// log and vote file over a disk that fails at any operation and loses power in the
// midst of one; what a start finds there must be what was written, bit by bit.
//
// # Records
//
// Options.Record sees every step of an honest member, with what it sent and its
// state afterwards. A member's own order and the causes of messages order the
// records; there is no clock. Recording draws nothing from the seed, so that a run is
// the same with and without it.
//
// # Canaries
//
// A judge that sees nothing would pass every run. So some runs have one member do
// something wrong, of the kinds in Faults; each must be found.
//
// # Replay
//
// A failing run's seed is printed with the line that runs it again:
//
//	go test ./conformance/sim -run TestReplay -seed=N -v
package sim
