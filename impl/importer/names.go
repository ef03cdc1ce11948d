package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// NamesFile is the name of the table of writers in an imported folder (IMP-3).
const NamesFile = "names.tsv"

// ErrNames says that a table of writers is not in the form of IMP-3.
var ErrNames = errors.New("bad table of names")

// Name is one line of the table of writers (IMP-3). Its strings may hold any
// bytes.
type Name struct {
	Node   uint32
	File   string   // the section's file name within the folder
	Events uint64   // in the section
	Name   string   // the writer's name, the spelling used most
	Email  string   // empty where none is known
	Other  []string // other spellings, in byte order
}

const (
	namesHead    = "node\tfile\tevents\tname\temail\tother"
	namesColumns = 5 // that every line has
)

// AppendNames appends the table of names, which must be in increasing order of
// node, to b (IMP-3).
func AppendNames(b []byte, names []Name) []byte {
	b = append(b, namesHead+"\n"...)
	for _, n := range names {
		b = strconv.AppendUint(b, uint64(n.Node), 10)
		b = appendField(b, n.File)
		b = append(b, '\t')
		b = strconv.AppendUint(b, n.Events, 10)
		b = appendField(b, n.Name)
		b = appendField(b, n.Email)
		for _, o := range n.Other {
			b = appendField(b, o)
		}
		b = append(b, '\n')
	}
	return b
}

// ParseNames reads a table of names. It refuses what AppendNames would not have
// written with ErrNames and the line (IMP-3).
func ParseNames(b []byte) ([]Name, error) {
	head, rest, found := strings.Cut(string(b), "\n")
	if !found || head != namesHead {
		return nil, fmt.Errorf("%w: line 1: got %q, want %q", ErrNames, head, namesHead)
	}
	var names []Name
	for line := 2; rest != ""; line++ {
		var text string
		if text, rest, found = strings.Cut(rest, "\n"); !found {
			return nil, fmt.Errorf("%w: line %d does not end", ErrNames, line)
		}
		n, err := parseName(text)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrNames, line, err)
		}
		if len(names) > 0 && names[len(names)-1].Node >= n.Node {
			return nil, fmt.Errorf("%w: line %d: node %d comes after node %d", ErrNames, line, n.Node, names[len(names)-1].Node)
		}
		names = append(names, n)
	}
	return names, nil
}

// ReadNames reads the table of names of an imported folder. Errors: those of the
// file system, ErrNames.
func ReadNames(dir string) ([]Name, error) {
	b, err := os.ReadFile(filepath.Join(dir, NamesFile))
	if err != nil {
		return nil, err
	}
	return ParseNames(b)
}

func parseName(text string) (Name, error) {
	fields := strings.Split(text, "\t")
	if len(fields) < namesColumns {
		return Name{}, fmt.Errorf("got %d fields, want at least %d", len(fields), namesColumns)
	}
	node, err := parseNumber(fields[0], 32)
	if err != nil {
		return Name{}, err
	}
	events, err := parseNumber(fields[2], 64)
	if err != nil {
		return Name{}, err
	}
	for i := range fields {
		if fields[i], err = unescape(fields[i]); err != nil {
			return Name{}, err
		}
	}
	n := Name{Node: uint32(node), File: fields[1], Events: events, Name: fields[3], Email: fields[4]}
	n.Other = append(n.Other, fields[namesColumns:]...)
	if !slices.IsSorted(n.Other) {
		return Name{}, errors.New("the other spellings are not in order")
	}
	return n, nil
}

func parseNumber(s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil || strconv.FormatUint(v, 10) != s {
		return 0, fmt.Errorf("%q is no decimal number of %d bits", s, bits)
	}
	return v, nil
}

// appendField appends a tab and the field s, escaped.
func appendField(b []byte, s string) []byte { return AppendText(append(b, '\t'), s) }

// AppendText appends s to b with backslashes, control characters and bytes that
// are no UTF-8 escaped, so that it can stand in a field or a line (IMP-3).
func AppendText[S string | []byte](b []byte, text S) []byte {
	s := string(text)
	for i := 0; i < len(s); {
		if c := s[i]; 0x20 <= c && c < 0x7f && c != '\\' {
			b = append(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b = append(b, `\\`...)
		case r == utf8.RuneError && size == 1, r < 0x20, 0x7f <= r && r <= 0x9f:
			for _, c := range []byte(s[i : i+size]) {
				b = fmt.Appendf(b, `\x%02x`, c)
			}
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

func unescape(field string) (string, error) {
	var b []byte
	for rest := field; rest != ""; {
		before, after, found := strings.Cut(rest, `\`)
		b = append(b, before...)
		rest = after
		switch {
		case !found:
		case strings.HasPrefix(rest, `\`):
			b, rest = append(b, '\\'), rest[1:]
		case len(rest) >= 3 && rest[0] == 'x':
			c, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("bad escape in %q", field)
			}
			b, rest = append(b, byte(c)), rest[3:]
		default:
			return "", fmt.Errorf("bad escape in %q", field)
		}
	}
	if again := appendField(nil, string(b)); string(again[1:]) != field {
		return "", fmt.Errorf("%q is spelled %q", field, again[1:])
	}
	return string(b), nil
}
