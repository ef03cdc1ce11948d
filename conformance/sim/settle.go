package sim

import "github.com/omega-sheaf-os/omega/impl/kernel/quorum"

// bound returns within how many rounds without faults all must have decided: a tick
// takes a member one attempt on, so those behind first need as many ticks as they are
// behind the first at the highest height, where members at a lower one begin with
// attempt 0; three rounds of four have a tick. At a height members differ in up to four
// attempts, for two rounds each, and then take a few more: 12. (In 12,000 runs of up to
// four heights at most 7 a height were seen.)
func (w *World) bound() int {
	top := uint64(0)
	for _, x := range w.Nodes {
		top = max(top, x.Chain.Length)
	}
	lowest, highest := w.Nodes[0].attempt(top), uint64(0)
	for _, x := range w.Nodes {
		lowest, highest = min(lowest, x.attempt(top)), max(highest, x.attempt(top))
	}
	return int(highest-lowest)*4/3 + 12*w.options.Heights
}

// attempt returns the one that the member is in at the height, or will begin with.
func (x *Node) attempt(height uint64) uint64 {
	switch d, err := quorum.DecodeDurable(x.Durable); {
	case x.Chain.Length < height:
		return 0
	case x.Up:
		return x.State.Attempt
	case err == nil && d.Height == height && d.Prepare != nil:
		return d.Prepare.Attempt
	}
	return 0
}

// Settle ends all faults, and runs rounds until every member's next height is the
// given one; it returns how many that took. A round is: all is delivered, then
// Tick for each, and every fourth round Timeout for each instead.
func (w *World) Settle(height uint64, most int) int {
	w.calm, w.side = true, nil
	for _, x := range w.Honest() {
		if x.store != nil {
			x.store.Heal()
		}
		for !x.Up {
			w.Restart(x)
		}
		if x.State.Ready() { // what a lost NeedCandidate asked for is asked again
			_ = w.Step(x, quorum.Tick{})
		}
	}
	for round := range most {
		w.Calm(height)
		if w.reached(height) {
			return round
		}
		for _, x := range w.Nodes {
			if round%4 == 3 {
				_ = w.Step(x, quorum.Timeout{}) // refused where nothing is prepared
			} else if err := w.Step(x, quorum.Tick{}); err != nil {
				w.fail(RuleProgress, x, "a tick is refused: %v", err)
			}
		}
	}
	w.fail(RuleProgress, nil, "height %d is not reached within %d rounds", height, most)
	return most
}

func (w *World) reached(height uint64) bool {
	for _, x := range w.Nodes {
		if x.Chain.Length < height {
			return false
		}
	}
	return true
}

// Calm delivers everything, in order, until nothing is on its way and nobody below
// the height waits for a candidate.
func (w *World) Calm(height uint64) {
	for budget := 5000; ; budget-- {
		if budget == 0 {
			w.fail(RuleProgress, nil, "the members do not come to rest")
		}
		if len(w.Net) > 0 {
			w.Deliver(0)
			continue
		}
		waiting := false
		for _, x := range w.Honest() {
			if x.Up && x.Need != nil && x.Chain.Length < height {
				waiting = true
				w.Supply(x)
				x.Need = nil
			}
		}
		if !waiting {
			return
		}
	}
}
