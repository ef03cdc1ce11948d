package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// journal takes what the server logs to a slog.Logger, and counts what it says of
// those whom it refused: it keeps no count itself.
type journal struct {
	log                 *slog.Logger
	fatal               chan string // the first reason why it does not run
	refused, violations atomic.Uint64
}

func newJournal(log *slog.Logger) *journal {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &journal{log: log, fatal: make(chan string, 1)}
}

// What the server's messages hold when it refuses somebody.
var (
	refusals = []string{
		"authentication error", "authentication timeout", "maximum connections exceeded", "TLS handshake error",
		"TLS route handshake error",
	}
	violations = []string{"Publish Violation", "Subscription Violation"}
)

func (j *journal) Noticef(format string, v ...any) { j.log.Info(fmt.Sprintf(format, v...)) }

func (j *journal) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.HasPrefix(text, "Plaintext passwords detected") {
		return // it is about the guest, who has none
	}
	j.log.Warn(text)
}

// Fatalf is called where the server cannot go on. It does not end the process.
func (j *journal) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	j.log.Error(text)
	select {
	case j.fatal <- text:
	default:
	}
}

func (j *journal) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case holdsAny(text, refusals):
		j.refused.Add(1)
	case holdsAny(text, violations):
		j.violations.Add(1)
	}
	j.log.Error(text)
}

func holdsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// Debugf is called for nothing: the server is asked for no such messages.
func (j *journal) Debugf(string, ...any) {}

// Tracef is called for nothing either.
func (j *journal) Tracef(string, ...any) {}
