package quorum_test

import (
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// genesis returns the chain of n members behind its genesis. Salt makes another chain.
func genesis(n int, salt byte) cert.Chain {
	_, chain := sim.Genesis(n, salt)
	return chain
}

// newWorld returns members under the simulator of package sim, whose judge panics at
// the first effect that breaks a promise. Every fourth step is made twice.
func newWorld(seed uint64, n, liars int) *sim.World {
	w := sim.New(seed, sim.Options{Members: n, Liars: liars, Backups: true})
	w.Closely = 4
	return w
}

func drawProfile(t *rapid.T) sim.Profile {
	return sim.Profile{
		Loss:       rapid.SampledFrom([]int{0, 10, 40}).Draw(t, "loss"),
		Order:      rapid.SampledFrom([]int{0, 30}).Draw(t, "order"),
		Timeouts:   rapid.SampledFrom([]int{1, 4, 12}).Draw(t, "timeouts"),
		Lies:       10,
		Loyal:      rapid.SampledFrom([]int{0, 80}).Draw(t, "loyal"),
		Crashes:    rapid.Bool().Draw(t, "crashes"),
		Partitions: rapid.Bool().Draw(t, "partitions"),
		FullDisks:  rapid.Bool().Draw(t, "full disks"),
	}
}
