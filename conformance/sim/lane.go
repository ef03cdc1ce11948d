package sim

// A lane is the runs of the seeds 0, 1, 2 ..., with four members and three heights.
const (
	Period     = 100 // of the seeds below
	canarySeed = 99  // this seed of each hundred plants a canary
	realSeed   = 50  // this one, or the next, is run again with Ed25519
)

// OptionsOf returns what the run of a lane's seed is made of: in every second one one,
// two or three members lie, and in one of a hundred an honest one is a canary.
func OptionsOf(seed uint64) Options {
	o := Options{Members: 4, Heights: 3}
	if seed%2 == 1 {
		o.Liars = 1 + int(seed/2%3)
	}
	if IsCanary(seed) {
		o.Canary = Faults[seed/Period%uint64(len(Faults))]
		if o.Liars = 0; o.Canary.Liars {
			o.Liars = 1
		}
	}
	return o
}

// IsCanary reports whether a seed of a lane plants a canary. It has to be found in its
// own run or in those of the seeds Again(seed, 1), Again(seed, 2) ...
func IsCanary(seed uint64) bool { return seed%Period == canarySeed }

// IsReal reports whether a seed of a lane is run with Ed25519 too.
func IsReal(seed uint64) bool { return seed%Period == realSeed+seed/Period%2 }

// Again returns the seed of the n-th further try to find the canary of seed, which
// plants the same one.
func Again(seed uint64, n int) uint64 {
	return seed + uint64(n)*(1<<20)*Period*uint64(len(Faults))
}
