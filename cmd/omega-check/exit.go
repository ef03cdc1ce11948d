package main

import (
	"fmt"
	"strings"
)

// The exit statuses (CLI-1). A signal gives 128 + its number.
const (
	statusHolds   = 0
	statusNo      = 1
	statusUsage   = 2
	statusMissing = 3
	statusSignal  = 128
)

// The kinds of refusals that are the command line's own (CLI-3). Damage to a
// file keeps the kind that its format gives it.
const (
	kindUsage       = "usage"
	kindMissing     = "missing"
	kindUnreadable  = "unreadable"
	kindChanged     = "changed"
	kindInterrupted = "interrupted"
	kindRefused     = "refused"
	kindOutput      = "output"
)

// exitError is why a command ends with another status than 0. As JSON it is the
// error of CLI-3; a command whose result tells all of it sets told.
type exitError struct {
	Kind    string `json:"kind"`
	File    string `json:"file,omitempty"`
	Offset  *int64 `json:"offset,omitempty"`
	Message string `json:"message"`

	status int
	told   bool
}

func (e *exitError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(printable(e.File) + ": ")
	}
	if e.Offset != nil {
		fmt.Fprintf(&b, "%s at offset %d: ", e.Kind, *e.Offset)
	}
	b.WriteString(e.Message)
	return b.String()
}

// answerNo is the status of a result that has said no itself.
func answerNo() error { return &exitError{status: statusNo, told: true} }

func usage(format string, args ...any) error {
	return &exitError{status: statusUsage, Kind: kindUsage, Message: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &exitError{status: statusMissing, Kind: kindMissing, Message: fmt.Sprintf(format, args...)}
}
