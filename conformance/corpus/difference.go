package corpus

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"
)

// Difference says in what two corpora differ, or "" where they are the same: in
// their variables; in edges, of which it shows the first and counts the others;
// or in states. Numbers do not matter.
func Difference(got, want *Corpus) string {
	if g, w := got.heading(), want.heading(); g != w {
		return fmt.Sprintf("the model is %s, the corpus has %s", g, w)
	}
	var found []string
	for _, part := range []struct {
		what string
		of   func(*Corpus) iter.Seq[string]
	}{{"edge", (*Corpus).edgeTexts}, {"state", (*Corpus).stateTexts}} {
		for _, side := range []struct {
			who      string
			has, not *Corpus
		}{{"the model", got, want}, {"the corpus", want, got}} {
			if first, n := missing(part.of(side.has), part.of(side.not)); n > 0 {
				found = append(found, fmt.Sprintf("only %s has %d of the %ss, the first:\n%s", side.who, n, part.what, first))
			}
		}
		if len(found) > 0 {
			break // another edge says more than the states that come with it
		}
	}
	return strings.Join(found, "\n")
}

// missing returns the first of texts that is not in others, and how many there are.
func missing(texts, others iter.Seq[string]) (first string, n int) {
	known := map[[sha256.Size]byte]bool{}
	for text := range others {
		known[sha256.Sum256([]byte(text))] = true
	}
	for text := range texts {
		if known[sha256.Sum256([]byte(text))] {
			continue
		}
		if n++; n == 1 {
			first = text
		}
	}
	return first, n
}

// heading returns the corpus's name and its variables'.
func (c *Corpus) heading() string {
	names := []string{c.Name}
	for _, v := range c.Variables {
		names = append(names, v.Name)
	}
	return strings.Join(names, " ")
}

func (c *Corpus) edgeTexts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range c.Edges {
			if !yield(fmt.Sprintf("%s from\n%s\nto\n%s", c.Actions[e.Action], c.text(e.From), c.text(e.To))) {
				return
			}
		}
	}
}

func (c *Corpus) stateTexts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, s := range c.States {
			if !yield(fmt.Sprintf("flags %s\n%s", s.flags(), c.text(int32(i)))) {
				return
			}
		}
	}
}

// text returns a state as TLC prints it.
func (c *Corpus) text(state int32) string {
	lines := make([]string, len(c.Variables))
	for i, v := range c.Variables {
		lines[i] = fmt.Sprintf("/\\ %s = %s", v.Name, c.Value(int(state), i))
	}
	return strings.Join(lines, "\n")
}
