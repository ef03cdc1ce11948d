package events_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// benchmarkStreams is how many streams the events of a benchmark are of.
const benchmarkStreams = 64

// benchmarkWorld is an engine with a stream for one member, and the member's connection over a socket.
func benchmarkWorld(b *testing.B) *nats.Conn {
	p := enginetest.NewParty(1)
	e := enginetest.Start(b, engine.Options{Users: p.Users})
	admin, err := e.Admin()
	require.NoError(b, err)
	b.Cleanup(admin.Close)
	c := events.Config{Servers: 1, Members: p.Names(), MaxBytes: 4 << 30}
	require.NoError(b, events.Ensure(b.Context(), admin, chain, c))
	conn, err := natsbus.Dial(natsbus.Options{URLs: []string{e.URL()}, Nkey: p.Nkeys[0], Inbox: subject.Of(chain).Inbox(0)})
	require.NoError(b, err)
	b.Cleanup(conn.Close)
	return conn
}

// BenchmarkPublish is a Publisher's rate, of signed events of many streams, or of one.
func BenchmarkPublish(b *testing.B) {
	for name, streams := range map[string]int{"streams=1": 1, "streams=64": benchmarkStreams} {
		b.Run(name, func(b *testing.B) {
			p, err := events.NewPublisher(benchmarkWorld(b), chain, sign(1), nil)
			require.NoError(b, err)
			defer p.Close()
			b.ResetTimer()
			for i := range b.N {
				_, err := p.Publish(b.Context(), makeEvent(b, 1, uint16(i%streams), i+1, "a payload of some size"))
				require.NoError(b, err)
			}
			require.NoError(b, p.Flush(b.Context()))
		})
	}
}

// BenchmarkJetStreamAlone is what the engine takes of the same bytes with as many
// on their way as its client library allows, in no order that it would have to keep.
func BenchmarkJetStreamAlone(b *testing.B) {
	js, err := jetstream.New(benchmarkWorld(b), jetstream.WithPublishAsyncMaxPending(4096))
	require.NoError(b, err)
	b.ResetTimer()
	for i := range b.N {
		stream := uint16(i % benchmarkStreams)
		_, err := js.PublishAsync(subject.Of(chain).Event(1, stream), makeEvent(b, 1, stream, i+1, "a payload of some size"))
		require.NoError(b, err)
	}
	<-js.PublishAsyncComplete()
}

// BenchmarkConsume is the rate from the stream to acknowledged, signatures verified.
func BenchmarkConsume(b *testing.B) {
	conn := benchmarkWorld(b)
	p, err := events.NewPublisher(conn, chain, sign(1), nil)
	require.NoError(b, err)
	defer p.Close()
	for i := range b.N {
		_, err := p.Publish(b.Context(), makeEvent(b, 1, uint16(i%benchmarkStreams), i+1, "a payload of some size"))
		require.NoError(b, err)
	}
	require.NoError(b, p.Flush(b.Context()))
	c, err := events.NewConsumer(b.Context(), conn, chain, "m0", keys, nil)
	require.NoError(b, err)
	defer c.Close()
	b.ResetTimer()
	for range b.N {
		item, err := c.Next(b.Context())
		require.NoError(b, err)
		require.NoError(b, item.Ack())
	}
}
