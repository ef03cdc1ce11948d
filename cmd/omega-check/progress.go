package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	progressAfter = time.Second            // shorter work shows nothing
	progressEvery = 100 * time.Millisecond // between two drawings
	progressWidth = 30                     // of the bar, in characters
)

// progress tells on a terminal that work goes on, in one line that it draws
// anew and takes away at the end. Where stderr is no terminal it does nothing.
type progress struct {
	w     io.Writer
	label string
	start time.Time
	quit  chan struct{}
	ended sync.WaitGroup

	mu          sync.Mutex
	done, total int
	drawn       bool
}

// progress starts a line with the given label; end must follow.
func (s *streams) progress(label string) *progress {
	p := &progress{w: s.err, label: label, start: time.Now(), quit: make(chan struct{})}
	if !s.live {
		return p
	}
	p.ended.Go(func() {
		wait := time.NewTimer(progressAfter)
		defer wait.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-wait.C:
				p.draw()
				wait.Reset(progressEvery)
			}
		}
	})
	return p
}

// step says that done of total parts are done. When all are, or total is 0, what
// is still to be done is not known, and the time alone is shown.
func (p *progress) step(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done >= total {
		done, total = 0, 0
	}
	p.done, p.total = done, total
}

// above returns a writer to w whose lines stand above the progress line where
// both are on the same terminal.
func (p *progress) above(w io.Writer) io.Writer { return lineAbove{p, w} }

type lineAbove struct {
	p *progress
	w io.Writer
}

func (l lineAbove) Write(b []byte) (int, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.erase()
	return l.w.Write(b)
}

// erase takes the line away, with p.mu held.
func (p *progress) erase() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drawn = true
	fmt.Fprintf(p.w, "\r\x1b[K%s", bar(p.label, p.done, p.total, time.Since(p.start)))
}

// bar returns the line for done parts of total after the time passed.
func bar(label string, done, total int, passed time.Duration) string {
	if total <= 0 {
		return fmt.Sprintf("%s ... %s", label, duration(passed))
	}
	full := progressWidth * done / total
	return fmt.Sprintf("%s [%s%s] %3d%% %s", label,
		strings.Repeat("=", full), strings.Repeat(" ", progressWidth-full), 100*done/total, duration(passed))
}

// end takes the line away.
func (p *progress) end() {
	close(p.quit)
	p.ended.Wait()
	p.erase()
}
