package certlog

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// logInput is a call: append a certificate, ask for the head, or read a height.
type logInput struct {
	op     string    // "append", "head" or "at"
	cert   cert.Hash // append: the certificate
	prev   cert.Hash // append: the one before it
	height uint64    // append and at
}

// logOutput is an answer: whether the certificate was taken, or which one it is,
// zero for none.
type logOutput struct {
	ok   bool
	cert cert.Hash
}

// logModel is the log as a plain list of hashes.
var logModel = porcupine.Model{
	Init: func() any { return []cert.Hash(nil) },
	Step: func(state, input, output any) (bool, any) {
		list, in, out := state.([]cert.Hash), input.(logInput), output.(logOutput)
		last := cert.Hash{}
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		switch in.op {
		case "append":
			fits := in.height == uint64(len(list)) && in.prev == last
			if !fits {
				return !out.ok, list
			}
			return out.ok, append(list[:len(list):len(list)], in.cert)
		case "head":
			return out.cert == last, list
		}
		want := cert.Hash{}
		if in.height < uint64(len(list)) {
			want = list[in.height]
		}
		return out.cert == want, list
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]cert.Hash), b.([]cert.Hash)) },
}

func hashOf(c *cert.Certificate) cert.Hash {
	if c == nil {
		return cert.Hash{}
	}
	return c.Envelope.Hash()
}

// call makes one random call of l. Each writer has certificates of its own, so
// that of those who race for a height one wins.
func call(t *testing.T, l *Log, writer, height uint64) (logInput, logOutput) {
	switch rand.IntN(4) {
	case 0:
		return logInput{op: "head"}, logOutput{cert: hashOf(l.Head())}
	case 1:
		return logInput{op: "at", height: height}, logOutput{cert: hashOf(l.At(height))}
	}
	head := l.Head()
	next := uint64(0)
	if head != nil {
		next = head.Envelope.BatchID + 1
	}
	c := testCertificate(next, hashOf(head), writer)
	err := l.Append(c)
	if err != nil && !errors.Is(err, ErrNext) {
		t.Errorf("append: %v", err)
	}
	return logInput{op: "append", cert: hashOf(c), prev: c.Envelope.Prev, height: next}, logOutput{ok: err == nil}
}

func TestConcurrentCallsAreLinearizable(t *testing.T) {
	l, err := Create(t.TempDir())
	require.NoError(t, err)
	defer l.Close()
	const clients, calls = 4, 40
	var (
		mu      sync.Mutex
		history []porcupine.Operation
		wg      sync.WaitGroup
		start   = time.Now()
	)
	for client := range clients {
		wg.Go(func() {
			for i := range calls {
				from := time.Since(start).Nanoseconds()
				in, out := call(t, l, uint64(client), uint64(i/2))
				to := time.Since(start).Nanoseconds()
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: from, Output: out, Return: to})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Positive(t, l.Count())
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(logModel, history, 10*time.Second))
}

func TestTheModelRefusesHistoriesThatCannotBe(t *testing.T) {
	a, b := cert.Hash{1}, cert.Hash{2}
	op := func(from, to int64, in logInput, out logOutput) porcupine.Operation {
		return porcupine.Operation{ClientId: int(from), Input: in, Call: from, Output: out, Return: to}
	}
	appendA := logInput{op: "append", cert: a}
	appendB := logInput{op: "append", cert: b}
	for name, history := range map[string][]porcupine.Operation{
		"two firsts": {op(1, 4, appendA, logOutput{ok: true}), op(2, 3, appendB, logOutput{ok: true})},
		"a head that was lost": {
			op(1, 2, appendA, logOutput{ok: true}), op(3, 4, logInput{op: "head"}, logOutput{}),
		},
		"a read before the append": {
			op(1, 2, logInput{op: "at"}, logOutput{cert: a}), op(3, 4, appendA, logOutput{ok: true}),
		},
		"a refusal without a reason": {op(1, 2, appendA, logOutput{})},
	} {
		require.False(t, porcupine.CheckOperations(logModel, history), name)
	}
	require.True(t, porcupine.CheckOperations(logModel, []porcupine.Operation{
		op(1, 4, appendA, logOutput{ok: true}), op(2, 3, appendB, logOutput{}), op(5, 6, logInput{op: "head"}, logOutput{cert: a}),
	}))
}
