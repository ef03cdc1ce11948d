package section

import (
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// chunkSize is how many bytes of frames a worker takes at a time: few enough to
// stay in its cache between finding where they end and checking them.
const chunkSize = 256 << 10

// Scan checks the header, the frames and the events of file, in place, and says
// what it holds (SEC-2). With an error, an *frame.Error for the first thing
// wrong by offset, the Summary tells of the good frames before it (SEC-3).
func Scan(file []byte, opt Options) (Summary, error) {
	return scan(file, opt.WithDefaults(), nil)
}

// sink takes the index of a section while it is scanned.
type sink struct {
	source int
	take   func(n int) []order.Entry // gives room for the next n entries, or none
}

// scan is Scan; where out is not nil it receives the entries in file order.
// With an error it has received some entries that are none.
func scan(file []byte, opt Options, out *sink) (Summary, error) {
	sum := Summary{Sorted: true}
	header, err := frame.ParseHeader(file)
	if err != nil {
		return sum, err
	}
	sum.Node, sum.Bytes = header.Node, frame.HeaderSize
	s := scanner{file: file, out: out, next: frame.HeaderSize}
	s.failedAt.Store(math.MaxInt64)
	opt.Run(min(opt.Workers, len(file)/chunkSize+1), func(int) { s.work() })
	for _, c := range s.chunks {
		sum.add(&c.sum)
		if c.err != nil {
			return sum, c.err
		}
	}
	return sum, nil
}

// add takes in the summary of the frames that follow those of s.
func (s *Summary) add(next *Summary) {
	if next.Frames == 0 {
		return
	}
	if s.Frames == 0 {
		s.First = next.First
	} else if s.Last.Compare(&next.First) >= 0 {
		s.Sorted = false
	}
	s.Sorted = s.Sorted && next.Sorted
	s.Last, s.Bytes = next.Last, next.Bytes
	s.Frames += next.Frames
	s.Deps += next.Deps
}

// A scanner hands out one file's frames chunk by chunk, in file order.
type scanner struct {
	file     []byte
	out      *sink        // nil: no index
	failedAt atomic.Int64 // the lowest offset of an error so far; chunks behind it are not needed

	mu     sync.Mutex // guards what follows, and out.take
	next   int64      // where the next chunk begins
	chunks []*chunk
}

// A chunk is a run of frames that one worker checks.
type chunk struct {
	at      int64         // its offset in the file
	frames  int           // whole frames, by their lengths
	cut     bool          // behind them, at the end of the file, stands what is no frame
	entries []order.Entry // where its index goes, as long as frames; nil where there is none
	sum     Summary
	err     error
}

func (s *scanner) work() {
	for c := s.claim(); c != nil; c = s.claim() {
		if s.check(c); c.err != nil {
			s.fail(c.sum.Bytes)
		}
	}
}

// claim finds the end of the next chunk by the frames' lengths alone. A damaged
// length may lead astray: then the check of its frame fails, and nothing behind
// that counts.
func (s *scanner) claim() *chunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, at := s.file, s.next
	if at >= int64(len(file)) || at > s.failedAt.Load() {
		return nil
	}
	c := &chunk{at: at}
	for limit := min(at+chunkSize, int64(len(file))); at < limit; c.frames++ {
		size, ok := frameSize(file[at:])
		if !ok {
			c.cut = true
			break
		}
		at += size
	}
	if s.next = at; c.cut {
		s.next = int64(len(file))
	}
	if s.out != nil {
		c.entries = s.out.take(c.frames)
	}
	s.chunks = append(s.chunks, c)
	return c
}

// frameSize returns the size of the frame at the start of rest, if by its length
// it can be one.
func frameSize(rest []byte) (int64, bool) {
	if len(rest) < frame.Overhead {
		return 0, false
	}
	n := binary.BigEndian.Uint32(rest)
	size := frame.Overhead + int64(n)
	return size, n >= frame.MinLen && n <= frame.MaxLen && size <= int64(len(rest))
}

func (s *scanner) fail(at int64) {
	for {
		old := s.failedAt.Load()
		if at >= old || s.failedAt.CompareAndSwap(old, at) {
			return
		}
	}
}

// check walks the frames of c and fills in its summary and its index.
func (s *scanner) check(c *chunk) {
	sum := Summary{Sorted: true, Bytes: c.at}
	var last *key.Key
	for i := range c.frames {
		at := sum.Bytes
		e, next, err := frame.Next(s.file, at)
		if err != nil {
			c.err = err
			break
		}
		k := e.Key()
		if last == nil {
			sum.First = *k
		} else if last.Compare(k) >= 0 {
			sum.Sorted = false
		}
		last = k
		if c.entries != nil {
			c.entries[i] = order.Entry{Lamport: k.Lamport(), Ref: order.Ref(s.out.source)<<44 | order.Ref(at+frame.Overhead)}
		}
		sum.Frames++
		sum.Deps += uint64(e.DepCount())
		sum.Bytes = next
	}
	if c.err == nil && c.cut {
		_, _, c.err = frame.Next(s.file, sum.Bytes)
	}
	if last != nil {
		sum.Last = *last
	}
	c.sum = sum
}
