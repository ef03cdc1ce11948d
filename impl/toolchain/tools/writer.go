package tools

import (
	"io"
	"sync"
)

// SharedWriter lets several goroutines write whole lines to W. Those of one Mu
// share what their writers lead to, as a terminal.
type SharedWriter struct {
	Mu *sync.Mutex
	W  io.Writer
}

func (s *SharedWriter) Write(b []byte) (int, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.W.Write(b)
}
