// Package sim runs the members of a quorum under a simulator: deterministic,
// single-threaded, and made by one seed, from which a run is replayed.
package sim
