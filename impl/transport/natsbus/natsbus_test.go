package natsbus_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/bustest"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// dial connects a member of the party, with the options given.
func dial(t *testing.T, p *enginetest.Party, member int, o natsbus.Options) *nats.Conn {
	o.Nkey, o.Inbox = p.Nkeys[member], subject.Of(enginetest.Chain).Inbox(member)
	conn, err := natsbus.Dial(o)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// buses gives each member its own connection and bus over one engine.
func buses(t *testing.T, members int, how func(e *engine.Engine) natsbus.Options) bustest.Made {
	p := enginetest.NewParty(members)
	e := enginetest.Start(t, engine.Options{Users: p.Users})
	var all []*natsbus.Bus
	for i := range members {
		all = append(all, natsbus.New(dial(t, p, i, how(e)), enginetest.Chain, members))
	}
	return bustest.Made{Bus: func(i int) transport.Bus { return all[i] }, Limit: transport.MaxMessage}
}

func TestAnEmbeddedEngineIsABus(t *testing.T) {
	bustest.Run(t, func(t *testing.T, members int) bustest.Made {
		return buses(t, members, func(e *engine.Engine) natsbus.Options { return natsbus.Options{InProcess: e} })
	})
}

func TestServersElsewhereAreABus(t *testing.T) {
	bustest.Run(t, func(t *testing.T, members int) bustest.Made {
		return buses(t, members, func(e *engine.Engine) natsbus.Options { return natsbus.Options{URLs: []string{e.URL()}} })
	})
}
