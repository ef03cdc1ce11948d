package section

import (
	"encoding/binary"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

const (
	// chunkSize is how many bytes of a file a worker checks at a time.
	chunkSize = 256 << 10
	// guessSize is within how many bytes a worker looks for a frame to begin at.
	guessSize = 64 << 10
)

// Scan checks the header, the frames and the events of file, in place, and says
// what it holds (SEC-2). With an error, an *frame.Error for the first thing
// wrong by offset, the Summary tells of the good frames before it (SEC-3).
func Scan(file []byte, opt Options) (Summary, error) {
	return scan(file, 0, opt.WithDefaults(), nil)
}

// scan is Scan. Where ix is not nil, it receives the entries of the good frames
// in file order; base is the Ref of the file's offset 0.
func scan(file []byte, base order.Ref, opt Options, ix *index) (Summary, error) {
	s := scanner{file: file, chunkSize: chunkSize, base: base + frame.Overhead, ix: ix}
	return s.scan(opt)
}

// A scanner checks one file. Where frames begin is known only to who has walked
// all frames before. So that workers need not wait for each other, they guess a
// place at which a frame begins, and walk from there; when the walk before has
// ended, it shows whether the guess was right. If it was not, as where a payload
// holds what looks like a frame, the chunk is walked again. So guesses decide on
// time alone.
type scanner struct {
	file      []byte
	chunkSize int
	base      order.Ref // of the event in a frame at offset 0
	ix        *index    // nil: no entries wanted

	mu       sync.Mutex     // guards what follows, and ix
	next     int            // the next chunk to hand out
	joined   int            // so many chunks are part of sum and ix
	finished map[int]*chunk // walked, and waiting for one before
	free     []*chunk       // to be used again
	sum      Summary
	err      error // the first thing wrong, after which nothing is joined
}

// A chunk is what a walk over the frames that begin in one part of the file has
// found. Its Bytes are the offset at which the walk has ended.
type chunk struct {
	from    int64 // where the walk began
	sum     Summary
	entries []order.Entry
	err     error
}

func (s *scanner) scan(opt Options) (Summary, error) {
	s.sum.Sorted = true
	header, err := frame.ParseHeader(s.file)
	if err != nil {
		return s.sum, err
	}
	s.sum.Node, s.sum.Bytes = header.Node, frame.HeaderSize
	s.finished = map[int]*chunk{}
	opt.Run(min(opt.Workers, s.chunks()), func(int) { s.work() })
	return s.sum, s.err
}

// chunks returns the number of chunks, at least 1.
func (s *scanner) chunks() int { return len(s.file)/s.chunkSize + 1 }

// limit returns the offset at which chunk i ends and the next begins.
func (s *scanner) limit(i int) int64 {
	return min(int64(i+1)*int64(s.chunkSize), int64(len(s.file)))
}

func (s *scanner) work() {
	for i, c, from := s.claim(); c != nil; i, c, from = s.claim() {
		s.process(i, c, from)
	}
}

// process walks chunk i, from where its first frame begins or, with from -1,
// from where one seems to.
func (s *scanner) process(i int, c *chunk, from int64) {
	if from < 0 {
		from = guess(s.file, int64(i)*int64(s.chunkSize))
	}
	if from >= 0 {
		s.walk(c, from, s.limit(i))
	}
	s.finish(i, c)
}

// claim returns the next chunk, and where its first frame begins: -1 where that
// is not known yet.
func (s *scanner) claim() (i int, c *chunk, from int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.next == s.chunks() {
		return 0, nil, 0
	}
	i, from = s.next, -1
	if s.next++; i == s.joined {
		from = s.sum.Bytes
	}
	if n := len(s.free); n > 0 {
		c, s.free = s.free[n-1], s.free[:n-1]
	} else {
		c = &chunk{}
	}
	c.from = -1
	return i, c, from
}

// finish takes chunk i, and joins to the sum what can now be joined.
func (s *scanner) finish(i int, c *chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished[i] = c
	for s.err == nil {
		c := s.finished[s.joined]
		if c == nil {
			return
		}
		if c.from != s.sum.Bytes {
			s.walk(c, s.sum.Bytes, s.limit(s.joined))
		}
		s.sum.add(&c.sum)
		s.err = c.err
		if s.ix != nil {
			s.ix.add(c.entries)
		}
		delete(s.finished, s.joined)
		s.free = append(s.free, c)
		s.joined++
	}
}

// guess returns the first offset at or after from at which a whole and valid
// frame stands; -1 if none begins soon.
func guess(file []byte, from int64) int64 {
	for at := from; at < from+guessSize && at+frame.Overhead+event.MinSize <= int64(len(file)); at++ {
		n := int64(binary.BigEndian.Uint32(file[at:]))
		body := at + frame.Overhead
		if n > frame.MaxLen || body+n > int64(len(file)) {
			continue
		}
		if !event.Valid(file[body : body+n]) {
			continue
		}
		if _, _, err := frame.Next(file, at); err == nil {
			return at
		}
	}
	return -1
}

// walk checks the frames that begin from the offset from on and before limit.
func (s *scanner) walk(c *chunk, from, limit int64) {
	c.from, c.err, c.entries = from, nil, c.entries[:0]
	sum := Summary{Sorted: true, Bytes: from}
	var last *key.Key
	for sum.Bytes < limit {
		e, next, err := frame.Next(s.file, sum.Bytes)
		if err != nil {
			c.err = err
			break
		}
		k := e.Key()
		lamport := k.Lamport()
		if last == nil {
			sum.First = *k
		} else if lamport <= last.Lamport() && k.Compare(last) <= 0 {
			sum.Sorted = false
		}
		last = k
		if s.ix != nil {
			c.entries = append(c.entries, order.Entry{Lamport: lamport, Ref: s.base + order.Ref(sum.Bytes)})
		}
		sum.Frames++
		sum.Deps += uint64(e.DepCount())
		sum.Bytes = next
	}
	if last != nil {
		sum.Last = *last
	}
	c.sum = sum
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
