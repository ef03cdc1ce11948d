package linear

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// clientCall is what a client asks of the cluster: that a batch be certified, at
// which height it is, or what the head is.
type clientCall struct {
	op    string // "submit", "certified" or "head"
	batch int
}

// place is where a batch is certified; height 0: nowhere. Of a head it is the last
// batch and its height.
type place struct {
	height uint64
	batch  int
}

// clusterModel is the chain as a plain list of batches.
var clusterModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, in, out any) (bool, any) {
		var chain []string
		if state != "" {
			chain = strings.Split(state.(string), " ")
		}
		c := in.(clientCall)
		at := uint64(slices.Index(chain, fmt.Sprint(c.batch)) + 1)
		if c.op == "head" {
			want := place{uint64(len(chain)), -1}
			if len(chain) > 0 {
				want.batch = batchOf(chain[len(chain)-1])
			}
			return out == want || out == Unknown{}, state
		}
		if c.op == "submit" && out == (place{0, c.batch}) {
			return true, state // it never happened
		}
		if c.op == "submit" && at == 0 {
			at = uint64(len(chain) + 1)
			state = strings.Join(append(slices.Clone(chain), fmt.Sprint(c.batch)), " ")
		}
		return out == place{at, c.batch} || out == Unknown{}, state
	},
	DescribeOperation: func(in, out any) string {
		c := in.(clientCall)
		text := fmt.Sprintf("%s %d", c.op, c.batch)
		if c.op == "head" {
			text = c.op
		}
		switch at, known := out.(place); {
		case !known:
			return text + " -> ?"
		case c.op == "head":
			return fmt.Sprintf("%s -> batch %d at height %d", text, at.batch, at.height)
		case at.height == 0:
			return text + " -> no"
		default:
			return fmt.Sprintf("%s -> height %d", text, at.height)
		}
	},
	DescribeState: func(state any) string { return "[" + state.(string) + "]" },
}

func batchOf(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

func batchName(n int) Batch { return sha256.Sum256([]byte(fmt.Sprint("batch ", n))) }

// A client asks one thing after the other. What a client has waited for too long it
// gives up, and is another client from then on.
type client struct {
	id, number int // number is of what it is now, for the history
	call       clientCall
	from       int64
	busy       bool
	member     int    // submit: who was asked
	best       place  // the longest answer so far
	asked      []bool // by member
}

// view is the run of some clients on a cluster.
type view struct {
	t       *testing.T
	cluster *Cluster
	rng     *rand.Rand
	members int
	clients []*client
	numbers int
	history []porcupine.Operation
	batches int
	now     int64
	byBatch map[Batch]int
	counts  struct{ certified, pending, lost int }
}

// patienceSteps is how long a client waits.
const patienceSteps = 2500

func (v *view) begin(c *client) {
	*c = client{id: c.id, number: c.number, from: v.now, busy: true, asked: make([]bool, v.members), best: place{0, -1}}
	switch n := v.rng.IntN(5); {
	case n < 2 || v.batches == 0:
		c.call = clientCall{"submit", v.batches}
		c.member = v.rng.IntN(v.members)
		v.byBatch[batchName(v.batches)] = v.batches
		v.batches++
		_, err := v.cluster.Submit(c.member, batchName(c.call.batch))
		require.NoError(v.t, err)
	case n < 3:
		c.call = clientCall{"certified", v.rng.IntN(v.batches)}
	default:
		c.call = clientCall{op: "head"}
	}
}

// end records the answer; Unknown is none, and the client's number is not used again.
func (v *view) end(c *client, out any) {
	to := v.now
	if out == (Unknown{}) {
		to = never
		v.counts.pending++
	}
	v.history = append(v.history, porcupine.Operation{ClientId: c.number, Input: c.call, Output: out, Call: c.from, Return: to})
	c.busy = false
	if out == (Unknown{}) {
		c.number = v.numbers
		v.numbers++
	}
}

// turn lets a client look once: at the member that it has handed its batch to, or
// at the next member that it has not asked yet.
func (v *view) turn(c *client) {
	if !c.busy {
		v.begin(c)
		return
	}
	if v.now-c.from > patienceSteps {
		v.end(c, Unknown{})
		return
	}
	if c.call.op == "submit" {
		if height, up := v.cluster.Height(c.member, batchName(c.call.batch)); up && height > 0 {
			v.counts.certified++
			v.end(c, place{height, c.call.batch})
		}
		return
	}
	v.ask(c)
}

// ask asks one member. No member alone knows the head: others may be ahead of it.
// Of all of them one has what was certified last, and the longest chain counts.
func (v *view) ask(c *client) {
	member := slices.Index(c.asked, false)
	head, up := v.cluster.Head(member)
	if !up {
		return
	}
	c.asked[member] = true
	if c.call.op == "head" {
		if at := v.placeOf(head); at.height >= c.best.height {
			c.best = at
		}
	} else if height, _ := v.cluster.Height(member, batchName(c.call.batch)); height > 0 {
		c.best.height = height
	}
	if !slices.Contains(c.asked, false) {
		if c.call.op == "certified" {
			c.best.batch = c.call.batch
		}
		v.end(c, c.best)
	}
}

func (v *view) placeOf(head *cert.Certificate) place {
	if head.Envelope.Type == cert.Genesis {
		return place{0, -1}
	}
	return place{head.Envelope.BatchID, v.byBatch[Batch(head.Body)]}
}

// runCluster has clients use a cluster for a number of steps, with crashes, and then
// heals it.
func runCluster(t *testing.T, seed uint64, clients, steps int) *view {
	cluster, err := NewCluster(scratch(t), 3, seed)
	require.NoError(t, withoutCrash(err))
	v := &view{t: t, cluster: cluster, rng: rand.New(rand.NewPCG(seed, 2)), members: 3, numbers: clients, byBatch: map[Batch]int{}}
	for i := range clients {
		v.clients = append(v.clients, &client{id: i, number: i})
	}
	for v.now = 0; v.now < int64(steps); v.now++ {
		require.NoError(t, cluster.Step(), "seed %d, step %d", seed, v.now)
		if v.rng.IntN(8) == 0 {
			v.turn(v.clients[v.rng.IntN(clients)])
		}
	}
	cluster.Quiet()
	for ; v.now < int64(steps+patienceSteps); v.now++ {
		require.NoError(t, cluster.Step(), "seed %d, step %d", seed, v.now)
		if c := v.clients[v.rng.IntN(clients)]; c.busy {
			v.turn(c)
		}
	}
	for _, c := range v.clients {
		if c.busy {
			v.end(c, Unknown{})
		}
	}
	v.settle()
	require.NoError(t, cluster.Close())
	return v
}

// settle looks up in the longest chain what has become of the batches that nobody
// waited for: those that are in it were certified at some moment after they were
// submitted, the others never. So porcupine need not try every order of them.
func (v *view) settle() {
	for i := range v.history {
		op := &v.history[i]
		c := op.Input.(clientCall)
		if c.op != "submit" || op.Output != (Unknown{}) {
			continue
		}
		for member := range v.members {
			if height, _ := v.cluster.Height(member, batchName(c.batch)); height > 0 {
				op.Output = place{height, c.batch}
			}
		}
		if op.Output == (Unknown{}) {
			op.Output = place{0, c.batch}
			v.counts.lost++
		}
	}
}

// TestTheClustersClientViewIsLinearizable submits to a cluster, and asks it, while
// members crash and messages are lost, repeated and reordered.
func TestTheClustersClientViewIsLinearizable(t *testing.T) {
	certified, pending, lost, crashes := 0, 0, 0, 0
	for seed := range uint64(layer.Runs(4, 100)) {
		v := runCluster(t, seed, 4, 6000)
		judge(t, "a cluster", clusterModel, v.history)
		certified, pending, crashes = certified+v.counts.certified, pending+v.counts.pending, crashes+v.cluster.Crashes
		lost += v.counts.lost
	}
	require.Greater(t, certified, 20)
	require.Positive(t, crashes)
	submit := func(n int) clientCall { return clientCall{"submit", n} }
	for name, operations := range map[string][]porcupine.Operation{
		"a head from before":        Calls(submit(0), place{1, 0}, clientCall{op: "head"}, place{0, -1}),
		"two at one height":         Calls(submit(0), place{1, 0}, submit(1), place{1, 1}),
		"certified, and not":        Calls(submit(0), place{1, 0}, clientCall{"certified", 0}, place{0, 0}),
		"certified before it was":   Calls(clientCall{"certified", 0}, place{1, 0}, submit(0), place{1, 0}),
		"an answer that went away":  Calls(submit(0), Unknown{}, clientCall{op: "head"}, place{1, 0}, clientCall{"certified", 0}, place{0, 0}),
		"a height that was skipped": Calls(submit(0), place{2, 0}),
	} {
		refuse(t, clusterModel, name, operations)
	}
	layer.Measure(t, "cluster_certificates", certified)
	layer.Measure(t, "cluster_unanswered", pending)
	layer.Measure(t, "cluster_crashes", crashes)
	layer.Measure(t, "cluster_batches_lost", lost)
}

// TestAGoodRunHasAPicture draws a short run of the cluster, into the file that the
// flag names.
func TestAGoodRunHasAPicture(t *testing.T) {
	path := *picture
	if path == "" {
		path = filepath.Join(t.TempDir(), "linearizable.html")
	}
	v := runCluster(t, 3, 3, 1200)
	require.NoError(t, Check(clusterModel, v.history, ""))
	require.NoError(t, Draw(clusterModel, v.history, path))
}
