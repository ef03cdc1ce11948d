package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

const (
	// members is the size of the clusters that are measured.
	members = 4
	// eventStreams is how many streams the published events are of.
	eventStreams = 64
	// bareMessage is the size in bytes of what the floor of the latency sends and writes.
	bareMessage = 300
	// clusterTime bounds one measurement of a cluster.
	clusterTime = 5 * time.Minute
)

var errSlow = errors.New("the members do not come to an end")

// netCluster is members on an engine of this process, which they reach over the loopback.
type netCluster struct {
	*faults.Cluster
	engine *engine.Engine
	nkeys  []*credentials.Nkey
	conns  []*nats.Conn
}

func newNetCluster(dir string) (*netCluster, error) {
	c := &netCluster{}
	var err error
	if c.Cluster, err = faults.Found(dir, members); err != nil {
		return nil, err
	}
	body, err := cert.ParseGenesisBody(c.Genesis.Body)
	if err != nil {
		return nil, err
	}
	var users []engine.User
	for i := range members {
		c.nkeys = append(c.nkeys, credentials.GenerateNkey())
		users = append(users, engine.User{Nkey: c.nkeys[i].Public(), Permissions: c.subjects().Member(i, &body.Roster[i])})
	}
	ctx, cancel := context.WithTimeout(context.Background(), clusterTime)
	defer cancel()
	c.engine, err = engine.Start(ctx, engine.Options{Listen: "127.0.0.1:0", StoreDir: filepath.Join(dir, "engine"), Users: users})
	if err != nil {
		return nil, err
	}
	for i := range members {
		conn, err := c.dial(i)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func (c *netCluster) subjects() subject.Chain { return subject.Of(c.Chain()) }

func (c *netCluster) dial(i int) (*nats.Conn, error) {
	return natsbus.Dial(natsbus.Options{URLs: []string{c.engine.URL()}, Nkey: c.nkeys[i], Inbox: c.subjects().Inbox(i)})
}

func (c *netCluster) bus(i int) transport.Bus { return natsbus.New(c.conns[i], c.Chain(), members) }

func (c *netCluster) close() error {
	err := c.StopAll()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.engine.Stop()
	return err
}

// feed is a transport.Source that hands over what is put into it.
type feed chan transport.Item

func (f feed) Next(ctx context.Context) (transport.Item, error) {
	select {
	case item := <-f:
		return item, nil
	case <-ctx.Done():
		return transport.Item{}, ctx.Err()
	}
}

// benchLatency measures from one event, which all members are handed at once, to its
// certificate at all of them.
func benchLatency(dir string, short bool) ([]row, error) {
	n := 60
	if short {
		n = 20
	}
	c, err := newNetCluster(filepath.Join(dir, "latency"))
	if err != nil {
		return nil, err
	}
	feeds := make([]feed, members)
	c.Config = func(i int, cfg *member.Config) {
		feeds[i] = make(feed)
		cfg.Source, cfg.BatchEvents, cfg.Tick, cfg.Timeout = feeds[i], 1, 200*time.Millisecond, 4*time.Second
	}
	var news []*member.Subscription
	for i := range members {
		if err := c.Start(i, c.bus(i)); err != nil {
			return nil, errors.Join(err, c.close())
		}
		news = append(news, c.Seats[i].Member.Subscribe(1000))
	}
	floor, err := newFloor(c, filepath.Join(dir, "latency"))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	time.Sleep(2 * time.Second) // until all have heard each other
	lamport := uint64(0)
	one := func() {
		lamport++
		e := faults.EventOf(9, 0, lamport, 100)
		b, err := e.Append(nil)
		if err != nil {
			panic(err)
		}
		for _, f := range feeds {
			f <- transport.Item{Sequence: lamport, Event: b, Signed: true, Ack: func() error { return nil }}
		}
		for _, s := range news {
			for x := range s.C {
				if x.Kind == member.CertificateNews {
					break
				}
			}
		}
	}
	ratios := turns(n, one, floor.round)
	return []row{{
		name: "latency", bound: 3, atMost: true, ratios: ratios,
		compares: "an event's certificate at four members / two message rounds and two fsyncs of each",
	}}, errors.Join(floor.close(), c.close())
}

// floor is the least that an agreement of all takes: twice, each makes something durable
// and hears from each other.
type floor struct {
	ends  []transport.Endpoint
	files []*os.File
	heard []chan struct{}
	conns []*nats.Conn
}

// newFloor joins the places of a chain of its own name, as the same members.
func newFloor(c *netCluster, dir string) (*floor, error) {
	f := &floor{}
	for i := range members {
		admin, err := c.engine.Admin()
		if err != nil {
			return nil, err
		}
		f.conns = append(f.conns, admin)
		heard := make(chan struct{}, 100)
		f.heard = append(f.heard, heard)
		end, err := natsbus.New(admin, cert.Hash{1}, members).Join(i, func([]byte) { heard <- struct{}{} })
		if err != nil {
			return nil, err
		}
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("floor-%d", i)))
		if err != nil {
			return nil, err
		}
		f.ends, f.files = append(f.ends, end), append(f.files, file)
	}
	return f, nil
}

func (f *floor) round() {
	split(members, func(i int) {
		for range 2 {
			if _, err := f.files[i].Write(make([]byte, bareMessage)); err != nil {
				panic(err)
			}
			if err := f.files[i].Sync(); err != nil {
				panic(err)
			}
			if err := f.ends[i].Broadcast(make([]byte, bareMessage)); err != nil {
				panic(err)
			}
			for range members - 1 {
				<-f.heard[i]
			}
		}
	})
}

func (f *floor) close() error {
	var errs []error
	for i := range f.ends {
		errs = append(errs, f.ends[i].Close(), f.files[i].Close())
		f.conns[i].Close()
	}
	return errors.Join(errs...)
}

// benchEvents measures how many events a second go from a publisher to certificates of
// all members, and how many the engine alone takes with the same settings.
func benchEvents(dir string, short bool) ([]row, error) {
	n, times := 40_000, 5
	if short {
		n, times = 10_000, 3
	}
	var ratios []float64
	for i := range times {
		certified, err := publishRate(filepath.Join(dir, fmt.Sprintf("certified-%d", i)), n, true)
		if err != nil {
			return nil, err
		}
		alone, err := publishRate(filepath.Join(dir, fmt.Sprintf("alone-%d", i)), n, false)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, certified/alone)
	}
	return []row{{
		name: "events", bound: 0.5, ratios: ratios,
		compares: "events a second from publish to certificate / JetStream's acknowledgements alone",
	}}, nil
}

// publishRate returns the events a second that an engine acknowledges, or that members on
// it certify.
func publishRate(dir string, n int, certified bool) (rate float64, err error) {
	c, err := newNetCluster(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close(), os.RemoveAll(dir)) }()
	ctx, cancel := context.WithTimeout(context.Background(), clusterTime)
	defer cancel()
	admin, err := c.engine.Admin()
	if err != nil {
		return 0, err
	}
	defer admin.Close()
	config := events.Config{Servers: 1, MaxBytes: 4 << 30}
	for i := range members {
		config.Members = append(config.Members, fmt.Sprintf("m%d", i))
	}
	if err := events.Ensure(ctx, admin, c.Chain(), config); err != nil {
		return 0, err
	}
	if certified {
		if err := c.startOnStream(ctx); err != nil {
			return 0, err
		}
	}
	js, err := jetstream.New(c.conns[0], jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return 0, err
	}
	seconds := took(func() {
		if err = publishAll(ctx, js, c.subjects(), n); err == nil && certified {
			err = c.untilCertified(ctx, n)
		}
	})
	return float64(n) / seconds, err
}

func publishAll(ctx context.Context, js jetstream.JetStream, chain subject.Chain, n int) error {
	for i := range n {
		e := faults.EventOf(1, uint16(i%eventStreams), uint64(i/eventStreams+1), 100)
		b, err := e.Append(nil)
		if err != nil {
			return err
		}
		for {
			_, err = js.PublishAsync(chain.Event(1, uint16(i%eventStreams)), b)
			if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *netCluster) startOnStream(ctx context.Context) error {
	none := func(uint32) []cert.PublicKey { return nil }
	sources := make([]transport.Source, members)
	for i := range members {
		source, err := events.NewConsumer(ctx, c.conns[i], c.Chain(), fmt.Sprintf("m%d", i), none, nil)
		if err != nil {
			return err
		}
		sources[i] = source
	}
	c.Config = func(i int, cfg *member.Config) {
		cfg.Source, cfg.BatchAge, cfg.Tick, cfg.Timeout = sources[i], 0, 200*time.Millisecond, 4*time.Second
	}
	for i := range members {
		if err := c.Start(i, c.bus(i)); err != nil {
			return err
		}
	}
	return nil
}

// untilCertified waits until all members have taken n events and none waits.
func (c *netCluster) untilCertified(ctx context.Context, n int) error {
	for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		done := 0
		for _, s := range c.Seats {
			if st := s.Member.Status(); st.Counters["source: events"] >= uint64(n) && st.Pending == 0 {
				done++
			}
		}
		if done == members {
			return nil
		}
	}
	return fmt.Errorf("%w:\n%s", errSlow, c.Describe())
}

// benchCatchUp measures how fast a member that has the genesis alone takes over a chain.
func benchCatchUp(dir string, short bool) ([]row, error) {
	n, times := 10_000, 3
	if short {
		n = 500
	}
	full := filepath.Join(dir, "full")
	if err := makeChain(full, n); err != nil {
		return nil, err
	}
	var ratios []float64
	for i := range times {
		ratio, err := catchUp(full, filepath.Join(dir, fmt.Sprintf("behind-%d", i)), n)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, ratio)
	}
	return []row{{
		name: "catch-up", bound: 0.5, ratios: ratios,
		compares: "certificates a second of a member that has missed them, traces and all / bare Ed25519 of their signatures",
	}}, nil
}

// makeChain makes a folder for each member, dir-0, dir-1 ..., with a chain of n merges of
// an event each.
func makeChain(dir string, n int) error {
	work, err := os.MkdirTemp("/dev/shm", "omega-bench-") // the chain is made, not measured, here
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	made := filepath.Join(work, "made")
	if _, err := node.Init(made, node.DefaultSeats(members)); err != nil {
		return err
	}
	f, err := node.Open(made, nil)
	if err != nil {
		return err
	}
	for i := range n {
		path := filepath.Join(work, "section.omega")
		if err := faults.WriteSection(path, 1, faults.EventOf(1, 0, uint64(i+1), 100)); err != nil {
			return err
		}
		if _, err := f.Certify(context.Background(), node.Batch{Height: uint64(i + 1), Files: []string{path}}); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	for i, seat := range node.DefaultSeats(members) {
		one := fmt.Sprintf("%s-%d", dir, i)
		if err := os.CopyFS(one, os.DirFS(made)); err != nil {
			return err
		}
		if err := os.Chmod(archive.KeyPath(one, seat.Name), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// catchUp lets an observer follow a member that has the chain, and returns the ratio of
// its rate to that of the bare verification.
func catchUp(full, behind string, n int) (ratio float64, err error) {
	store, err := node.OpenStore(full + "-0")
	if err != nil {
		return 0, err
	}
	chain, all := store.Chain, store.Certificates
	genesis := all[0]
	if err := store.Close(); err != nil {
		return 0, err
	}
	c := &faults.Cluster{Dir: filepath.Dir(full)}
	for i, m := range chain.Roster {
		dir := fmt.Sprintf("%s-%d", full, i)
		k, err := identity.Load(archive.KeyPath(dir, m.Name), nil)
		if err != nil {
			return 0, err
		}
		c.Seats = append(c.Seats, &faults.Seat{Dir: dir, Key: k})
	}
	c.Seats = append(c.Seats, &faults.Seat{Dir: behind, Key: identity.Generate()})
	if err := node.Found(behind, genesis); err != nil {
		return 0, err
	}
	c.Config = func(i int, cfg *member.Config) { cfg.Seat = members + 1; cfg.Tick = 200 * time.Millisecond }
	wire := faults.NewWire(members + 2)
	for i := range members {
		if err := c.Start(i, wire); err != nil {
			return 0, err
		}
	}
	followed := took(func() {
		if err = c.Start(members, wire); err != nil {
			return
		}
		for end := time.Now().Add(clusterTime); c.Height(members) <= n && err == nil; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				err = fmt.Errorf("%w:\n%s", errSlow, c.Describe())
			}
		}
	})
	err = errors.Join(err, c.StopAll())
	bare := took(func() {
		for _, d := range all[1:] {
			message := cert.VoteMessage(chain.Name, d.Envelope.Hash())
			for i, sig := range d.Signatures {
				if !ed25519.Verify(chain.Roster[i].Key[:], message, sig[:]) {
					panic("a signature of the chain does not verify")
				}
			}
		}
	})
	return bare / followed, errors.Join(err, os.RemoveAll(behind))
}
