package git

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// authorTable counts the commits of each spelling of an author.
type authorTable struct {
	places  map[spelling]int32
	writers []writer
}

// writer is one spelling of an author, as it stands in commits.
type writer struct {
	spelling
	commits uint64
}

// count counts one more commit of a spelling and returns its place.
func (t *authorTable) count(name, email string) int32 {
	s := spelling{name, email}
	i, found := t.places[s]
	if !found {
		if t.places == nil {
			t.places = make(map[spelling]int32)
		}
		i = int32(len(t.writers))
		t.places[s] = i
		t.writers = append(t.writers, writer{spelling: s})
	}
	t.writers[i].commits++
	return i
}

// author is one node: a writer under all of its spellings.
type author struct {
	lamport uint64                // of its first commit
	id      [key.EventIDSize]byte // of its first commit
	commits uint64
	proper  map[spelling]uint64 // mapped spellings, and the commits of each
	seen    []spelling          // as they stand in commits
	node    uint32              // IMP-13
}

// identity is what makes two spellings one author: the mapped e-mail, or
// without one the name, in lower case (IMP-12).
func identity(proper spelling) spelling {
	if proper.email != "" {
		return spelling{email: lower(proper.email)}
	}
	return spelling{name: lower(proper.name)}
}

// assignNodes settles who the authors are, gives each a node id and each commit
// its author's, and returns the authors by node id (IMP-12, IMP-13).
func (h *history) assignNodes(m mailmap) []*author {
	byIdentity := make(map[spelling]*author)
	byWriter := make([]*author, len(h.authors.writers))
	var authors []*author
	for i, w := range h.authors.writers {
		proper := m.lookup(w.spelling)
		a := byIdentity[identity(proper)]
		if a == nil {
			a = &author{proper: make(map[spelling]uint64)}
			byIdentity[identity(proper)] = a
			authors = append(authors, a)
		}
		a.commits += w.commits
		a.proper[proper] += w.commits
		a.seen = append(a.seen, w.spelling)
		byWriter[i] = a
	}
	for i := range h.commits {
		c, id := &h.commits[i], h.id(i)
		a := byWriter[c.writer]
		if a.lamport == 0 || compareFirst(c.lamport, id, a.lamport, a.id) < 0 {
			a.lamport, a.id = c.lamport, id
		}
	}
	slices.SortFunc(authors, func(a, b *author) int {
		return compareFirst(a.lamport, a.id, b.lamport, b.id)
	})
	for i, a := range authors {
		a.node = uint32(i + 1)
	}
	for i := range h.commits {
		h.commits[i].node = byWriter[h.commits[i].writer].node
	}
	return authors
}

// compareFirst compares two commits by (lamport, hash).
func compareFirst(lamport uint64, id [key.EventIDSize]byte, otherLamport uint64, other [key.EventIDSize]byte) int {
	return cmp.Or(cmp.Compare(lamport, otherLamport), bytes.Compare(id[:], other[:]))
}

// name returns the author's line of the table of names (IMP-14).
func (a *author) name(authors int) importer.Name {
	var best spelling
	var most uint64
	for s, n := range a.proper {
		if n > most || (n == most && s.String() < best.String()) {
			best, most = s, n
		}
	}
	var other []string
	for s := range a.proper {
		other = append(other, s.String())
	}
	for _, s := range a.seen {
		other = append(other, s.String())
	}
	slices.Sort(other)
	other = slices.DeleteFunc(slices.Compact(other), func(s string) bool { return s == best.String() })
	return importer.Name{
		Node:   a.node,
		File:   importer.SectionFile(a.node, uint32(authors), best.name),
		Events: a.commits,
		Name:   best.name,
		Email:  best.email,
		Other:  other,
	}
}
