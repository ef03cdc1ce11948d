package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const (
	// rosterMark is the roster file's first line (IDN-4).
	rosterMark = "omega-roster v1"
	// noNodes stands where a member writes no node (IDN-4).
	noNodes = "-"
)

// RosterError says which line of a roster file is wrong (IDN-4). Line counts
// from 1 and is 0 where it is the roster as a whole.
type RosterError struct {
	Line int
	Err  error
}

func (e *RosterError) Error() string {
	if e.Line == 0 {
		return "roster file: " + e.Err.Error()
	}
	return fmt.Sprintf("roster file, line %d: %v", e.Line, e.Err)
}

func (e *RosterError) Unwrap() error { return e.Err }

// FormatRoster returns the roster file of r, which must be valid (IDN-4).
func FormatRoster(r cert.Roster) []byte {
	b := []byte(rosterMark + "\n")
	for i := range r {
		m := &r[i]
		b = fmt.Appendf(b, "%s %x ", m.Name, m.Key)
		if len(m.Nodes) == 0 {
			b = append(b, noNodes...)
		}
		for j, n := range m.Nodes {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(b, uint64(n), 10)
		}
		b = append(b, '\n')
	}
	return b
}

// ParseRoster reads a roster file and validates the roster; it takes only what
// FormatRoster writes (IDN-4). The error is a *RosterError, around cert.ErrRoster
// where the text is right and the roster is not.
func ParseRoster(text []byte) (cert.Roster, error) {
	lines := strings.Split(string(text), "\n")
	if lines[0] != rosterMark {
		return nil, &RosterError{Line: 1, Err: fmt.Errorf("got %.40q, want %q", lines[0], rosterMark)}
	}
	last := len(lines) - 1
	if lines[last] != "" || last == 0 {
		return nil, &RosterError{Line: last + 1, Err: errors.New("the line has no end")}
	}
	var r cert.Roster
	for i, line := range lines[1:last] {
		m, err := parseMember(line)
		if err != nil {
			return nil, &RosterError{Line: i + 2, Err: err}
		}
		r = append(r, m)
		if want := FormatRoster(r[i:])[len(rosterMark)+1:]; string(want) != line+"\n" {
			return nil, &RosterError{Line: i + 2, Err: fmt.Errorf("got %q, want %q", line+"\n", want)}
		}
	}
	if err := r.Validate(); err != nil {
		return nil, &RosterError{Err: err}
	}
	return r, nil
}

func parseMember(line string) (cert.Member, error) {
	fields := strings.Split(line, " ")
	if len(fields) != 3 {
		return cert.Member{}, fmt.Errorf("got %d fields, want a name, a public key and node ids", len(fields))
	}
	m := cert.Member{Name: fields[0]}
	if len(fields[1]) != 2*cert.KeySize {
		return cert.Member{}, fmt.Errorf("a public key of %d hex digits, want %d", len(fields[1]), 2*cert.KeySize)
	}
	if _, err := hex.Decode(m.Key[:], []byte(fields[1])); err != nil {
		return cert.Member{}, fmt.Errorf("public key %q: %w", fields[1], err)
	}
	if fields[2] == noNodes {
		return m, nil
	}
	for _, field := range strings.Split(fields[2], ",") {
		n, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return cert.Member{}, fmt.Errorf("node id %q is not a number below 2^32", field)
		}
		m.Nodes = append(m.Nodes, uint32(n))
	}
	return m, nil
}

// LoadRoster reads the roster file path. The errors are *Error.
func LoadRoster(path string) (cert.Roster, error) {
	text, err := durable.OS{}.ReadFile(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	r, err := ParseRoster(text)
	if err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	return r, nil
}

// SaveRoster validates r and writes it to the file path, durably and in place of
// an older one. The errors are *Error.
func SaveRoster(path string, r cert.Roster) error {
	if err := r.Validate(); err != nil {
		return &Error{Path: path, Err: err}
	}
	if err := durable.WriteFile(durable.OS{}, path, FormatRoster(r), 0o644); err != nil {
		return pathError(path, err)
	}
	return nil
}
