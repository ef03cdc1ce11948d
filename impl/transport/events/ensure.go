package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// Config says how an engine is to keep a chain's events.
type Config struct {
	Servers  int           // of the engine: with three or more, the stream is kept on three
	Members  []string      // roster names of all who are to see every event
	MaxBytes int64         // of the stream; a full one refuses events
	MaxAge   time.Duration // after which an event that somebody does not acknowledge is gone; 0: never
}

// What the stream and its consumers are like (ENG-8, ENG-10).
const (
	// DuplicateWindow is how long the engine knows an event that it has taken, so
	// that a publisher's retry does not make two.
	DuplicateWindow = 2 * time.Minute
	// MaxInFlight is how many events a member can hold unacknowledged.
	MaxInFlight = 16_384
	// AckWait is after which time the engine offers an unacknowledged event again.
	AckWait = 5 * time.Second

	headerRoom  = 4096 // of a message beside the event, bytes
	retryPause  = 100 * time.Millisecond
	requestTime = 3 * time.Second
)

// ErrConfig says that the engine cannot have such a stream, whatever is tried.
var ErrConfig = errors.New("the stream cannot be so")

// Ensure makes the engine have the stream and the consumers that the configuration
// says, from whatever is there, and loses no event on the way (ENG-8). It needs
// a connection that may do so: the engine's Admin. It tries until the context ends:
// servers of a cluster come one after the other. It may run several times and in
// several places at once. The error wraps ErrConfig, or the context's and the last
// reason why it did not work.
func Ensure(ctx context.Context, conn *nats.Conn, chain cert.Hash, c Config) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	e := &ensurer{js, subject.Of(chain), c}
	for {
		err := e.once(ctx)
		if err == nil || errors.Is(err, ErrConfig) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(retryPause):
		}
	}
}

type ensurer struct {
	js     jetstream.JetStream
	chain  subject.Chain
	config Config
}

// once goes through the steps. The stream takes events only from when all consumers
// are there: what came before would leave it again at once.
func (e *ensurer) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	closed := "setup." + e.chain.Stream()
	stream, err := e.js.Stream(ctx, e.chain.Stream())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = e.js.CreateStream(ctx, e.stream(closed))
	}
	if err != nil {
		return final(err)
	}
	for _, m := range e.config.Members {
		if _, err := stream.CreateOrUpdateConsumer(ctx, e.consumer(m)); err != nil {
			return final(err)
		}
	}
	if err := e.removeOthers(ctx, stream); err != nil {
		return err
	}
	_, err = e.js.UpdateStream(ctx, e.stream(e.chain.Events()))
	return final(err)
}

// removeOthers deletes consumers of who is no member any more: the stream would
// keep every event for them.
func (e *ensurer) removeOthers(ctx context.Context, stream jetstream.Stream) error {
	var wanted []string
	for _, m := range e.config.Members {
		wanted = append(wanted, subject.Consumer(m))
	}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if slices.Contains(wanted, name) {
			continue
		}
		if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
	}
	return names.Err()
}

func (e *ensurer) stream(subjects string) jetstream.StreamConfig {
	replicas, duplicates := 1, DuplicateWindow
	if e.config.Servers >= 3 {
		replicas = 3
	}
	if e.config.MaxAge > 0 {
		duplicates = min(duplicates, e.config.MaxAge)
	}
	return jetstream.StreamConfig{
		Name: e.chain.Stream(), Subjects: []string{subjects}, Storage: jetstream.FileStorage, Replicas: replicas,
		Retention: jetstream.InterestPolicy, Discard: jetstream.DiscardNew,
		MaxBytes: e.config.MaxBytes, MaxAge: e.config.MaxAge, MaxMsgSize: transport.MaxMessage + headerRoom,
		Duplicates: duplicates, DenyDelete: true, DenyPurge: true,
	}
}

func (e *ensurer) consumer(member string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: subject.Consumer(member), AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait: AckWait, MaxAckPending: MaxInFlight, MaxDeliver: -1,
	}
}

// permanent are the codes of what the engine will never take: a configuration that
// contradicts itself or what is there, replicas without a cluster, more bytes than
// it may keep.
var permanent = []jetstream.ErrorCode{10052, 10074, 10047}

// final marks an error that no retry mends. Those of a cluster that is coming up
// are not: no leader yet, too few servers, another Ensure that was faster.
func final(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && slices.Contains(permanent, api.ErrorCode) {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return err
}
