package graph

import "sync"

// progress tells how far an import is: half of it is reading, counted in bytes,
// half writing, counted in events.
type progress struct {
	mu     sync.Mutex
	tell   func(done, total int)
	size   int64 // bytes to read
	done   int   // of 2 * size
	events int   // to write
	wroteN int
}

func newProgress(tell func(done, total int), size int64) *progress {
	return &progress{tell: tell, size: size}
}

// to says that so many bytes have been read.
func (p *progress) to(bytes int64) { p.set(int(bytes)) }

// writing says that all is read and so many events are to be written.
func (p *progress) writing(events int) {
	p.events = events
	p.set(int(p.size))
}

// wrote says that n more events are written. Several may call it.
func (p *progress) wrote(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wroteN += n
	p.setLocked(int(p.size) + int(float64(p.size)*float64(p.wroteN)/float64(p.events)))
}

func (p *progress) set(done int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setLocked(done)
}

func (p *progress) setLocked(done int) {
	if p.tell != nil && done != p.done {
		p.done = done
		p.tell(done, 2*int(p.size))
	}
}
