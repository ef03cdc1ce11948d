package importer

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// examples is how many places a Note names.
const examples = 3

// Place is where something stands in the inputs of an import.
type Place struct {
	File   int32 // the input, from 0
	Offset int64 // bytes from the start of the file
}

// Compare orders places by input, then offset.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(p.File, o.File), cmp.Compare(p.Offset, o.Offset))
}

// Note says of one cause how often an import could not map something (IMP-16).
type Note struct {
	Cause string    `json:"cause"`
	Count uint64    `json:"count"`
	First []Example `json:"first"` // by place; at most three
}

// Example is one thing that could not be mapped.
type Example struct {
	File    string `json:"file"`
	Line    int64  `json:"line,omitempty"` // from 1; 0 where the input has no lines
	Offset  int64  `json:"offset"`         // bytes from the start of the file
	Message string `json:"message"`
}

// Inputs are the mapped files that an import reads, and what it could not map
// of them (IMP-15, IMP-16). They belong to one goroutine.
type Inputs struct {
	views  []*omegalog.OmegaLogView
	binary []bool // whether the file has no lines
	notes  map[string]*note
}

type note struct {
	count uint64
	first []remark
}

type remark struct {
	at      Place
	message string
}

// OpenInputs maps the files at paths: all, or none. End with Close. The error is
// an *omegalog.Error.
func OpenInputs(paths []string) (*Inputs, error) {
	in := &Inputs{binary: make([]bool, len(paths)), notes: make(map[string]*note)}
	for _, path := range paths {
		view, err := omegalog.Open(path)
		if err != nil {
			in.Close()
			return nil, err
		}
		in.views = append(in.views, view)
	}
	return in, nil
}

// Close unmaps the files.
func (in *Inputs) Close() {
	for _, view := range in.views {
		view.Close()
	}
}

// Guard runs read, which reads the files' bytes in this goroutine, as
// omegalog.Guard does.
func (in *Inputs) Guard(read func() error) error { return omegalog.Guard(read, in.views...) }

// Len returns the number of files.
func (in *Inputs) Len() int { return len(in.views) }

// Bytes returns the bytes of file i, in place.
func (in *Inputs) Bytes(i int) []byte { return in.views[i].Bytes() }

// Name returns the path of file i.
func (in *Inputs) Name(i int) string { return in.views[i].Name() }

// Size returns the number of bytes of all files.
func (in *Inputs) Size() (n int64) {
	for _, view := range in.views {
		n += int64(len(view.Bytes()))
	}
	return n
}

// Binary says that file i has no lines.
func (in *Inputs) Binary(i int) { in.binary[i] = true }

// Note counts one more thing that could not be mapped for a cause. Of each cause
// the places that come first are kept; message is called for these alone.
func (in *Inputs) Note(cause string, at Place, message func() string) {
	n := in.notes[cause]
	if n == nil {
		n = &note{}
		in.notes[cause] = n
	}
	n.count++
	i := len(n.first)
	for i > 0 && at.Compare(n.first[i-1].at) < 0 {
		i--
	}
	if i < examples {
		n.first = slices.Insert(n.first, i, remark{at, message()})
		n.first = n.first[:min(len(n.first), examples)]
	}
}

// Notes returns what could not be mapped, by cause in byte order.
func (in *Inputs) Notes() []Note {
	notes := []Note{}
	for cause, n := range in.notes {
		all := Note{Cause: cause, Count: n.count}
		for _, r := range n.first {
			all.First = append(all.First, in.Example(r.at, r.message))
		}
		notes = append(notes, all)
	}
	slices.SortFunc(notes, func(a, b Note) int { return cmp.Compare(a.Cause, b.Cause) })
	return notes
}

// Example names a place by file, line and offset.
func (in *Inputs) Example(at Place, message string) Example {
	e := Example{File: in.Name(int(at.File)), Offset: at.Offset, Message: message}
	if !in.binary[at.File] {
		e.Line = 1 + int64(bytes.Count(in.Bytes(int(at.File))[:at.Offset], []byte("\n")))
	}
	return e
}
