package git

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"strconv"
)

// object is what the importer takes from a commit's object. Its slices live until
// the next parse.
type object struct {
	parents [][]byte // hashes, in the commit's order
	name    string   // the author's, as it stands
	email   string   // the author's, as it stands
	value   int32    // IMP-10
	payload []byte   // IMP-11
}

// parser reads commit objects, one at a time, reusing its buffers.
type parser struct {
	naming  hash.Hash // what names objects
	object  object
	hashes  []byte // that object.parents lies in
	scratch []byte
}

// newParser returns a parser for a repository with hashes of size bytes.
func newParser(size int) *parser {
	if size == sha256.Size {
		return &parser{naming: sha256.New()}
	}
	return &parser{naming: sha1.New()}
}

// parse reads the content of the commit with the given hash and checks that it has
// it (IMP-7). Errors: ErrCorrupt, ErrCommit.
func (p *parser) parse(id, content []byte) (*object, error) {
	p.naming.Reset()
	p.scratch = fmt.Appendf(p.scratch[:0], "commit %d\x00", len(content))
	p.naming.Write(p.scratch)
	p.naming.Write(content)
	if p.scratch = p.naming.Sum(p.scratch[:0]); !bytes.Equal(p.scratch, id) {
		return nil, fmt.Errorf("%w: its content has the hash %x", ErrCorrupt, p.scratch)
	}
	o := &p.object
	o.parents, o.payload, p.hashes = o.parents[:0], o.payload[:0], p.hashes[:0]
	o.payload = appendHash(o.payload, "commit", id)
	rest, err := p.parseLinks(content, len(id))
	if err != nil {
		return nil, err
	}
	author, rest, err := cutLine(rest, "author")
	if err != nil {
		return nil, err
	}
	committer, _, err := cutLine(rest, "committer")
	if err != nil {
		return nil, err
	}
	o.name, o.email = ident(author)
	authored, committed := dateOf(author), dateOf(committer)
	o.value = waited(authored, committed)
	o.payload = appendLine(o.payload, "author", authored.text)
	o.payload = appendLine(o.payload, "committer", committed.text)
	o.payload = fmt.Appendf(o.payload, "object %d %x\n", len(content), sha256.Sum256(content))
	return o, nil
}

// parseLinks reads the lines of the tree and the parents and returns what follows
// them.
func (p *parser) parseLinks(content []byte, hashSize int) (rest []byte, err error) {
	o := &p.object
	tree, rest, err := p.cutHash(content, "tree", hashSize)
	if err != nil {
		return nil, err
	}
	o.payload = appendHash(o.payload, "tree", tree)
	for bytes.HasPrefix(rest, []byte("parent ")) {
		var parent []byte
		if parent, rest, err = p.cutHash(rest, "parent", hashSize); err != nil {
			return nil, err
		}
		o.parents = append(o.parents, parent)
		o.payload = appendHash(o.payload, "parent", parent)
	}
	return rest, nil
}

// cutHash reads a line of a label and a hash and returns the hash and what follows
// the line.
func (p *parser) cutHash(b []byte, label string, size int) (id, rest []byte, err error) {
	line, rest, err := cutLine(b, label)
	if err != nil {
		return nil, nil, err
	}
	if len(line) != 2*size {
		return nil, nil, fmt.Errorf("%w: %s %q has %d digits, want %d", ErrCommit, label, line, len(line), 2*size)
	}
	start := len(p.hashes)
	if p.hashes, err = hex.AppendDecode(p.hashes, line); err != nil {
		return nil, nil, fmt.Errorf("%w: %s %q: %w", ErrCommit, label, line, err)
	}
	return p.hashes[start:len(p.hashes):len(p.hashes)], rest, nil
}

// cutLine reads a line that begins with label and a space and returns the rest of
// the line and what follows it.
func cutLine(b []byte, label string) (line, rest []byte, err error) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	got, line, found := bytes.Cut(line, []byte(" "))
	if !found || string(got) != label {
		return nil, nil, fmt.Errorf("%w: want a line %q, got %.40q", ErrCommit, label, b)
	}
	return line, rest, nil
}

func appendHash(b []byte, label string, id []byte) []byte {
	b = append(append(b, label...), ' ')
	return append(hex.AppendEncode(b, id), '\n')
}

func appendLine(b []byte, label string, text []byte) []byte {
	b = append(append(b, label...), ' ')
	return append(append(b, text...), '\n')
}

// ident returns the name and e-mail in an author's line (IMP-12).
func ident(line []byte) (name, email string) {
	before, after, opened := bytes.Cut(line, []byte("<"))
	inside, _, closed := bytes.Cut(after, []byte(">"))
	if !opened || !closed {
		before, inside = line, nil
	}
	return string(bytes.Trim(before, blanks)), string(inside)
}

// date is a date as a commit states it. Without seconds it cannot be read.
type date struct {
	text    []byte // as it goes into the payload (IMP-11)
	seconds int64
	ok      bool
}

// dateOf returns the date at the end of an author's or committer's line (IMP-11).
func dateOf(line []byte) date {
	unread := date{text: []byte("-")}
	text, found := bytes.CutPrefix(line[bytes.LastIndexByte(line, '>')+1:], []byte(" "))
	seconds, zone, parted := bytes.Cut(text, []byte(" "))
	if !found || !parted || !isDigits(seconds, 18) || len(zone) == 0 {
		return unread
	}
	if (zone[0] != '+' && zone[0] != '-') || !isDigits(zone[1:], 8) {
		return unread
	}
	n, err := strconv.ParseInt(string(seconds), 10, 64)
	return date{text: text, seconds: n, ok: err == nil}
}

// isDigits reports whether b is 1 to most decimal digits.
func isDigits(b []byte, most int) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return 1 <= len(b) && len(b) <= most
}

// waited returns the hours from one date to the other, in thousandths (IMP-10).
func waited(authored, committed date) int32 {
	if !authored.ok || !committed.ok {
		return 0
	}
	// Seconds are below 10^18, so that five times their difference is below 2^63.
	n := 5 * (committed.seconds - authored.seconds)
	q, r := n/18, n%18
	if r < 0 {
		q, r = q-1, r+18
	}
	if r > 9 || (r == 9 && q%2 != 0) {
		q++
	}
	return int32(min(max(q, math.MinInt32), math.MaxInt32))
}
