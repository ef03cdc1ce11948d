package setup

import (
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// place is the bus of a member whose folder is opened before there is a connection.
type place struct{ bus *natsbus.Bus }

var errNoBus = errors.New("there is no connection yet")

func newPlace() *place { return &place{} }

func (p *place) connect(conn *nats.Conn, chain cert.Hash, members int) {
	p.bus = natsbus.New(conn, chain, members)
}

// Join takes a member's place on the bus.
func (p *place) Join(member int, receive func(b []byte)) (transport.Endpoint, error) {
	if p.bus == nil {
		return nil, errNoBus
	}
	return p.bus.Join(member, receive)
}

// Tell publishes truth.
func (p *place) Tell(kind subject.Kind, payload []byte) error { return p.bus.Tell(kind, payload) }

func (p *place) counts() natsbus.Counts { return p.bus.Counts() }
