package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const (
	hexInJSON  = 256 // bytes of a field that are printed as hex
	hexInText  = 64  // of a field that its digits alone say
	hexInRow   = 14  // of any other field in text
	textInText = 60  // characters of a payload that text shows
	shownItems = 8   // deps, streams, members and so on without --all
)

// field is one field of a file: its place, its bytes, what they say.
type field struct {
	Name    string `json:"name"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Hex     string `json:"hex"` // of at most the first 256 bytes
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// part is a stretch of a file whose fields follow each other without a gap: a
// header, a frame, a record. Its layout is walked only after the kernel's parser
// has taken the bytes, so that every length in them fits.
type part struct {
	Name   string  `json:"name"`
	Offset int64   `json:"offset"`
	Bytes  int64   `json:"bytes"`
	Fields []field `json:"fields"`
	Checks []check `json:"checks"`

	x      *explanation
	file   []byte
	at     int64 // where the next field begins
	hidden bool  // nothing is kept of it but what fails
}

// field adds the next n bytes as a field and returns them; show says what they
// say, nil where the hex digits say it.
func (p *part) field(name string, n int64, show func([]byte) string, meaning string) []byte {
	b := p.file[p.at : p.at+n]
	p.at += n
	p.Bytes += n
	if p.hidden {
		return b
	}
	f := field{Name: name, Offset: p.at - n, Bytes: n, Hex: hex.EncodeToString(b[:min(n, hexInJSON)]), Meaning: meaning}
	if show != nil {
		f.Value = show(b)
	}
	p.Fields = append(p.Fields, f)
	return b
}

// number adds the next n bytes as an unsigned number and returns it.
func (p *part) number(name string, n int64, meaning string) uint64 {
	return number(p.field(name, n, showNumber, meaning))
}

// items adds count items by calling each; past the limit the rest, of which each
// has size bytes, is one field. Where size is 0 all items are added.
func (p *part) items(count int, size int64, what string, each func(i int)) {
	show := count
	if !p.x.all && size > 0 {
		show = min(count, shownItems)
	}
	for i := range show {
		each(i)
	}
	if rest := count - show; rest > 0 {
		p.field("...", int64(rest)*size, func([]byte) string { return plural(rest, "more "+what) }, "--all shows them")
	}
}

// check records a verdict on the part.
func (p *part) check(name string, v verdict, format string, args ...any) {
	if v == fails {
		p.x.OK = false
		p.x.reveal(p)
	} else if p.hidden {
		return
	}
	p.Checks = append(p.Checks, check{name, v, fmt.Sprintf(format, args...)})
}

// compare records whether what the file says is what its bytes give.
func (p *part) compare(name string, same bool, got, want any) {
	if same {
		p.check(name, holds, "%v, as its bytes give", got)
	} else {
		p.check(name, fails, "got %v, its bytes give %v", got, want)
	}
}

func (p *part) text(t *text) {
	t.line("\n%s at offset %d, %s", p.Name, p.Offset, plural(p.Bytes, "byte"))
	rows := [][]string{}
	for i := range p.Fields {
		rows = append(rows, p.Fields[i].row())
	}
	t.table(rows)
	writeChecks(t, p.Checks)
}

// row returns the field's columns: offset, name, hex digits, and what they say. A
// hash, which says nothing but its digits, has the room of the last column.
func (f *field) row() []string {
	digits, what := f.Hex, f.Value
	if f.Value == "" && f.Bytes > hexInRow {
		digits, what = "", f.Hex[:min(len(f.Hex), 2*hexInText)]
		if f.Bytes > hexInText {
			what += "..."
		}
	} else if f.Bytes > hexInRow && digits != "" {
		digits = digits[:2*hexInRow] + "..."
	}
	if what != "" && f.Meaning != "" {
		what += "; "
	}
	return []string{"  " + strconv.FormatInt(f.Offset, 10), f.Name, digits, what + f.Meaning}
}

// number reads up to eight big-endian bytes.
func number(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func showNumber(b []byte) string { return strconv.FormatUint(number(b), 10) }

// showFigure shows an i32 or an i128 in thousandths.
func showFigure(b []byte) string {
	if len(b) == 4 {
		return fixed.Format(int32(binary.BigEndian.Uint32(b)))
	}
	return fixed.FromBytes([16]byte(b)).String()
}

func showKey(b []byte) string {
	k := key.Key(b)
	return fmt.Sprintf("lamport %d, node %d, stream %d, event %x", k.Lamport(), k.Node(), k.Stream(), k.EventID())
}

func showQuoted(b []byte) string {
	if len(b) > textInText {
		return fmt.Sprintf("%q...", b[:textInText])
	}
	return fmt.Sprintf("%q", b)
}
