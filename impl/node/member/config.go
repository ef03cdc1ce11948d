package member

import (
	"errors"
	"log/slog"
	"time"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// Config is what a member is given. What is left zero has the default given.
type Config struct {
	Dir    string        // the data folder; it holds the chain's genesis
	Key    *identity.Key // the member's; one that the roster does not have makes an observer
	Bus    transport.Bus
	Seat   int              // an observer's place on the bus, beyond those of the roster
	Source transport.Source // or nil
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // the host's clock, which no peer relies on; time.Now
	// RosterChange, if not nil, is called with each roster change when it is in the
	// chain, before the member takes its new place on the bus.
	RosterChange func(c *cert.Certificate)

	// A batch is closed at so many events, or bytes of them, or when the first has waited
	// so long, or when their Lamport times are so far apart.
	BatchEvents   int           // 4096
	BatchBytes    int64         // 4 MiB
	BatchAge      time.Duration // 100 ms
	BatchLamports uint64        // 0: however far

	// PendingEvents and PendingBytes bound the events that wait: beyond them nothing is
	// taken (MAN-11).
	PendingEvents int   // 262144
	PendingBytes  int64 // 128 MiB, at most half of MaxBatch
	// HoldFor is how long an event is held back for the sake of its deps (MAN-10).
	HoldFor time.Duration // 30 s

	Tick    time.Duration // 200 ms: the pace of repeating
	Timeout time.Duration // 4 s: before the first attempt is given up; doubled with each
	// Audit is the pause between two self-audits, at least; below 0 there are none (MAN-14).
	Audit time.Duration // 1 min
}

// The defaults of a Config.
const (
	maxTimeout   = time.Minute
	maxTransfers = 4
	peerMessages = 2000     // a second, from one peer; twice that at once
	peerBytes    = 16 << 20 // a second, from one peer
	serveBytes   = 64 << 20 // a second, to one peer
	inboxCount   = 4096     // messages that wait for the member
	inboxBytes   = 64 << 20
)

func (c *Config) withDefaults() (Config, error) {
	d := *c
	setDefault(&d.BatchEvents, 4096)
	setDefault(&d.BatchBytes, 4<<20)
	setDefault(&d.BatchAge, 100*time.Millisecond)
	setDefault(&d.PendingEvents, 1<<18)
	setDefault(&d.PendingBytes, MaxBatch/2)
	setDefault(&d.HoldFor, 30*time.Second)
	setDefault(&d.Tick, 200*time.Millisecond)
	setDefault(&d.Timeout, 4*time.Second)
	setDefault(&d.Audit, time.Minute)
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case d.Key == nil:
		return d, errors.New("a member needs a key")
	case d.Bus == nil:
		return d, errors.New("a member needs a bus")
	case d.PendingBytes > MaxBatch/2:
		return d, errors.New("more bytes may wait than a manifest can list")
	}
	return d, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
