package sim

import (
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Profile is how rough a run is. Numbers are in hundredths.
type Profile struct {
	Loss     int // of the messages: lost
	Order    int // of the messages: delivered out of turn
	Timeouts int // of the actions: a timeout
	Lies     int // of the actions: a lie
	Loyal    int // of what honest members stand and vote for: a liar that hears it does so too

	Crashes    bool // a crash may fall between effects, and at any time
	Partitions bool // messages from one side to the other are lost for a time
	FullDisks  bool // a member's writes fail for a time
	Jumps      bool // clocks stand still, or several timers run out at once
}

func draw[T any](w *World, of ...T) T { return of[w.rng.IntN(len(of))] }

func (w *World) drawProfile() Profile {
	p := Profile{
		Loss: draw(w, 0, 5, 30), Order: draw(w, 0, 30), Timeouts: draw(w, 0, 1, 4, 12), Lies: draw(w, 2, 5, 15), Loyal: draw(w, 0, 50, 95),
		Crashes: draw(w, false, true), Partitions: draw(w, false, false, true),
		FullDisks: draw(w, false, false, true), Jumps: draw(w, false, true),
	}
	if p.Jumps {
		for _, x := range w.Honest() {
			x.speed = draw(w, 0, 1, 1, 5)
		}
	}
	return p
}

// drawVariant makes members differ up to some attempt, and agree from there on, as the
// union of what all have does.
func (w *World) drawVariant() func(member int, height, attempt uint64) int {
	table := make([]int, 12)
	for i := range table {
		table[i] = w.rng.IntN(3)
	}
	agreed, apart := draw[uint64](w, 0, 0, 1, 2, 4), uint64(w.rng.IntN(3))
	return func(member int, height, attempt uint64) int {
		at := height*7 + attempt
		if attempt < agreed {
			at += uint64(member) % 2 * 5 * apart
		}
		return table[at%12]
	}
}

// finished reports whether a member has all that the run is about.
func (w *World) finished(x *Node) bool {
	return w.options.Heights > 0 && len(x.Log) >= w.options.Heights
}

// lullLength is the length in actions, on average, of a time with faults, and of one
// with hardly any between two of them: without these no height would end.
const lullLength = 80

// weather is the profile as it holds now.
func (w *World) weather() Profile {
	switch {
	case w.calm:
		return Profile{}
	case w.lull:
		return Profile{Lies: w.Profile.Lies, Loyal: w.Profile.Loyal}
	}
	return w.Profile
}

// Chaos runs the world for a number of actions, each drawn from the seed; it ends
// before that when all have finished.
func (w *World) Chaos(actions int) {
	honest := w.Honest()
	for range actions {
		if !slices.ContainsFunc(honest, func(x *Node) bool { return !w.finished(x) }) {
			return
		}
		if w.rng.IntN(lullLength) == 0 {
			w.lull = !w.lull
		}
		x, p := honest[w.rng.IntN(len(honest))], w.weather()
		switch r := w.rng.IntN(100); {
		case r < p.Timeouts:
			w.runOut(x, quorum.Timeout{})
		case r < p.Timeouts+p.Lies:
			w.pool.lie()
		case r < 40:
			w.Supply(x)
		case r < 45:
			w.runOut(x, quorum.Tick{})
		case r < 50:
			w.upOrDown(x, r == 49)
		case r < 52:
			w.replay()
		case r < 54:
			w.disturb(x)
		case r < 56:
			w.offer(x)
		default:
			w.transmit()
		}
	}
}

// runOut lets a timer run out, as often as the clock jumps.
func (w *World) runOut(x *Node, timer quorum.Message) {
	for range x.speed {
		if x.Up {
			_ = w.Step(x, timer)
		}
	}
}

func (w *World) upOrDown(x *Node, down bool) {
	switch {
	case !x.Up:
		w.Restart(x)
	case down && w.weather().Crashes:
		w.Crash(x)
	}
}

// replay hands over something that was sent at any time.
func (w *World) replay() {
	if len(w.history) > 0 {
		w.Hand(w.history[w.rng.IntN(len(w.history))])
	}
}

// offer gives a member a candidate that it has not asked for: it may not be ready yet,
// or have prepared already.
func (w *World) offer(x *Node) {
	if x.Up && !w.finished(x) {
		c := w.content(x.Chain, w.Variant(x.ID, x.State.Height(), x.State.Attempt))
		x.book[c.Digest()] = c
		_ = w.Step(x, quorum.Candidate{Attempt: x.State.Attempt, Content: c})
	}
}

// disturb begins or ends a partition, or fills a disk.
func (w *World) disturb(x *Node) {
	p := w.weather()
	switch {
	case p.Partitions && w.rng.IntN(2) == 0:
		if w.side != nil {
			w.side = nil
			return
		}
		w.Stats.Partitions++
		w.side = make([]bool, len(w.Nodes))
		for i := range w.side {
			w.side[i] = w.rng.IntN(2) == 0
		}
	case p.FullDisks:
		x.full = 1 + w.rng.IntN(3)
	}
}

// transmit loses, doubles or delivers a message.
func (w *World) transmit() {
	if len(w.Net) == 0 {
		return
	}
	i := 0
	weather := w.weather()
	if w.rng.IntN(100) < weather.Order {
		i = w.rng.IntN(len(w.Net))
	}
	p := w.Net[i]
	switch {
	case weather.Partitions && w.side != nil && w.side[p.From] != w.side[p.To], w.rng.IntN(100) < weather.Loss:
		w.remove(i)
	case w.rng.IntN(12) == 0:
		w.Hand(p)
	default:
		w.Deliver(i)
	}
}
