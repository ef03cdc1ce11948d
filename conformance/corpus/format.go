package corpus

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

const magic = "omega-corpus 1"

// The bounds of what Read takes.
const (
	MaxLines     = 1 << 24 // of any one part
	maxLineBytes = 1 << 20
)

// FormatError says that a line of a corpus is not what the format has there.
type FormatError struct {
	Line      int // from 1, of the decompressed text
	Got, Want string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("line %d of the corpus: got %.80q, want %s", e.Line, e.Got, e.Want)
}

// Write writes the corpus, compressed. The same corpus gives the same text; its
// compressed bytes may differ between versions of Go.
func (c *Corpus) Write(out io.Writer) error {
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(packed)
	c.writeText(w)
	return errors.Join(w.Flush(), packed.Close())
}

// writeText writes the corpus to w, which keeps the first error.
func (c *Corpus) writeText(w *bufio.Writer) {
	fmt.Fprintf(w, "%s %s\n", magic, c.Name)
	for _, v := range c.Variables {
		fmt.Fprintf(w, "variable %s %d\n", v.Name, len(v.Values))
		for _, value := range v.Values {
			fmt.Fprintln(w, value)
		}
	}
	fmt.Fprintf(w, "states %d\n", len(c.States))
	for _, s := range c.States {
		line := []byte(s.flags())
		for _, v := range s.Values {
			line = strconv.AppendInt(append(line, ' '), int64(v), 10)
		}
		w.Write(append(line, '\n'))
	}
	fmt.Fprintf(w, "actions %d\n", len(c.Actions))
	for _, a := range c.Actions {
		fmt.Fprintln(w, a)
	}
	fmt.Fprintf(w, "edges %d\n", len(c.Edges))
	for _, e := range c.Edges {
		fmt.Fprintf(w, "%d %d %d\n", e.From, e.Action, e.To)
	}
}

// The flags of a state. It may have both.
const (
	initialFlag = "i"
	beyondFlag  = "b"
	noFlag      = "-"
)

func (s State) flags() string {
	flags := ""
	if s.Initial {
		flags += initialFlag
	}
	if s.Beyond {
		flags += beyondFlag
	}
	if flags == "" {
		return noFlag
	}
	return flags
}

// Read reads a corpus that Write has written. It takes the canonical form alone:
// what it reads, Write writes again, the same text. The error is a *FormatError, or
// one of decompression.
func Read(in io.Reader) (*Corpus, error) {
	packed, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	r := &reader{in: bufio.NewReaderSize(packed, maxLineBytes)}
	c := r.corpus()
	if r.err != nil {
		return nil, r.err
	}
	return c, packed.Close()
}

// reader reads lines. After the first error it reads nothing more.
type reader struct {
	in   *bufio.Reader
	line int
	text string
	err  error
}

func (r *reader) fail(want string) {
	if r.err == nil {
		r.err = &FormatError{r.line, r.text, want}
	}
}

// next reads a line without its end, or "" where there is none.
func (r *reader) next() string {
	if r.err != nil {
		return ""
	}
	r.line++
	line, err := r.in.ReadSlice('\n')
	r.text = strings.TrimSuffix(string(line), "\n")
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		r.fail(fmt.Sprintf("a line of at most %d bytes", maxLineBytes))
	case errors.Is(err, io.EOF):
		r.fail("a line with its end")
	case err != nil && r.err == nil:
		r.err = err
	}
	return r.text
}

func (r *reader) corpus() *Corpus {
	c := &Corpus{}
	var ok bool
	if c.Name, ok = strings.CutPrefix(r.next(), magic+" "); !ok {
		r.fail(magic + " NAME")
	}
	for r.err == nil {
		fields := strings.Split(r.next(), " ")
		if len(fields) == 2 && fields[0] == "states" {
			r.states(c, fields[1])
			break
		}
		if len(fields) != 3 || fields[0] != "variable" {
			r.fail("variable NAME N or states N")
			break
		}
		c.Variables = append(c.Variables, r.variable(fields[1], fields[2], c.Variables))
	}
	r.actions(c)
	r.edges(c)
	if r.err == nil {
		r.line++
		if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
			r.text = ""
			if r.fail("the end"); err != nil {
				r.err = err
			}
		}
	}
	return c
}

// count reads how many lines a part has.
func (r *reader) count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > MaxLines || strconv.Itoa(n) != text {
		r.fail(fmt.Sprintf("a number from 0 to %d", MaxLines))
	}
	return n
}

func (r *reader) variable(name, number string, before []Variable) Variable {
	v := Variable{Name: name}
	if len(before) > 0 && before[len(before)-1].Name >= name {
		r.fail("variables in their order")
	}
	r.values(r.count(number), func(value tlavalue.Value) { v.Values = append(v.Values, value) })
	return v
}

// values reads n values, sorted, each on its line.
func (r *reader) values(n int, add func(tlavalue.Value)) {
	last := ""
	for i := 0; i < n && r.err == nil; i++ {
		text := r.next()
		value, err := tlavalue.Parse(text)
		switch {
		case r.err != nil:
		case err != nil:
			r.fail("a value: " + err.Error())
		case value.String() != text:
			r.fail("the value as it is written, " + value.String())
		case i > 0 && last >= text:
			r.fail("values in their order")
		default:
			add(value)
		}
		last = text
	}
}

func (r *reader) states(c *Corpus, number string) {
	n := r.count(number)
	for i := 0; i < n && r.err == nil; i++ {
		fields := strings.Split(r.next(), " ")
		if r.err != nil {
			return
		}
		s := State{Initial: strings.Contains(fields[0], initialFlag), Beyond: strings.Contains(fields[0], beyondFlag)}
		if s.flags() != fields[0] || len(fields) != 1+len(c.Variables) {
			r.fail(fmt.Sprintf("flags and %d values", len(c.Variables)))
			return
		}
		for v, field := range fields[1:] {
			s.Values = append(s.Values, r.index(field, len(c.Variables[v].Values)))
		}
		if i > 0 && slices.Compare(c.States[i-1].Values, s.Values) >= 0 {
			r.fail("states in their order")
		}
		c.States = append(c.States, s)
	}
}

// index reads a number below n.
func (r *reader) index(text string, n int) int32 {
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil || i < 0 || int(i) >= n || strconv.FormatInt(i, 10) != text {
		r.fail(fmt.Sprintf("numbers below %d", n))
	}
	return int32(i)
}

func (r *reader) actions(c *Corpus) {
	number, ok := strings.CutPrefix(r.next(), "actions ")
	if !ok {
		r.fail("actions N")
		return
	}
	r.values(r.count(number), func(value tlavalue.Value) {
		action, _ := value.(tlavalue.Record)
		name, _ := action.Get(nameField)
		if _, named := name.(tlavalue.String); !named {
			r.fail("a record with a field " + nameField)
		}
		c.Actions = append(c.Actions, action)
	})
}

func (r *reader) edges(c *Corpus) {
	number, ok := strings.CutPrefix(r.next(), "edges ")
	if !ok {
		r.fail("edges N")
		return
	}
	n := r.count(number)
	for i := 0; i < n && r.err == nil; i++ {
		fields := strings.Split(r.next(), " ")
		if len(fields) != 3 {
			r.fail("FROM ACTION TO")
			return
		}
		e := Edge{r.index(fields[0], len(c.States)), r.index(fields[1], len(c.Actions)), r.index(fields[2], len(c.States))}
		switch {
		case r.err != nil:
			return
		case i > 0 && c.Edges[i-1].From == e.From && c.Edges[i-1].Action == e.Action:
			r.fail("one edge for each action of a state")
		case i > 0 && compareEdges(c.Edges[i-1], e) >= 0:
			r.fail("edges in their order")
		case c.States[e.From].Beyond:
			r.fail("no edge from a state beyond the bound")
		}
		c.Edges = append(c.Edges, e)
	}
}
