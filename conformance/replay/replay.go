// Package replay takes every edge of the models' state graphs (conformance/corpus)
// through the code, by the mapping of conformance/refine. It is a layer of
// `omega-check verify`.
//
// # The quorum
//
// An edge leaves a state by an action of one member. The member's part of the state
// becomes a quorum.State, and the action's argument a message with real signatures;
// both go through quorum.Step. There must be no error, and what comes out must be
// what stands behind the edge: the next state, the bytes on disk, the log, the
// messages sent, and nothing else changed. Where the edge is cut, its first effects
// are done, in the code's order, and the member is down. The cuts that the graph has
// must be those that the code's effects allow: so an effect that is missing, doubled or
// out of order shows. A Crash takes the memory alone; Start is Begin and a Start with
// the disk's bytes. The graph has no backups, so no Copy and no Restore, and nobody in
// it halts: an action that is unknown here is a finding.
//
// What the model leaves out, the effects for the shell, is compared with the states
// on both sides: evidence is told as often as it grows, a halt when it comes, and a
// candidate is asked for when the member has come to need it.
//
// An action that has no edge in a state is disabled there, since edges are in the
// graph even where they lead beyond its bounds. For every state within the bounds all
// instances of all actions are tried: every message that the graph has anywhere, and
// those that can be made of its members, heights, attempts and digests. What nobody
// has signed in that state has a broken signature. The code must refuse each, with an
// error, and change nothing. Where it takes one, it is because a part of the message
// that does not verify is not looked at, such as a proof not higher than the one
// known; then it must do exactly what it does for the message without that part, and
// that must be an edge. Those are counted apart, as ignored. That bounds
// hide nothing is checked too: in each state they are evaluated, and must be false
// in the states beyond alone.
//
// Two things are no instances, since the model has no such messages: what a liar
// says of another height than its receiver's, and an honest member's signature
// under another proof than it had sent.
//
// # The data path
//
// There a member's batch goes through section.Scan, section.Glue and
// invariant.Reconcile, and the result through the bytes of its certificate into
// the past: see DataPath. The graph's actions of the shell, such as Seal, are
// done as the model says them; what is compared are the results.
package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// Load reads the corpus of a model from its file.
func Load(path string) (*corpus.Corpus, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := corpus.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return c, nil
}

// Config is the constants of a model's configuration, by name.
type Config map[string]string

var constant = regexp.MustCompile(`(?m)^\s*(\w+) (?:=|<-) (.+?)\s*$`)

// LoadConfig reads the constants from a `.cfg` file.
func LoadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := Config{}
	for _, m := range constant.FindAllStringSubmatch(string(text), -1) {
		c[m[1]] = m[2]
	}
	return c, nil
}

// Number returns a constant that is a number.
func (c Config) Number(name string) (int, error) {
	n, err := strconv.Atoi(c[name])
	if err != nil {
		return 0, fmt.Errorf("the constant %s: %w", name, err)
	}
	return n, nil
}

// Set returns a constant that is a set.
func (c Config) Set(name string) (tlavalue.Set, error) {
	v, err := tlavalue.Parse(c[name])
	if err != nil {
		return nil, fmt.Errorf("the constant %s: %w", name, err)
	}
	s, ok := v.(tlavalue.Set)
	if !ok {
		return nil, fmt.Errorf("the constant %s is %v, no set", name, v)
	}
	return s, nil
}

// Findings are the places at which the code and the model differ.
type Findings struct {
	Count int
	Shown []string // the first ones
}

const (
	shown  = 5  // so many findings are kept as text
	enough = 50 // after so many a replay ends
)

func (f *Findings) add(format string, args ...any) {
	if f.Count++; len(f.Shown) < shown {
		f.Shown = append(f.Shown, fmt.Sprintf(format, args...))
	}
}

func (f *Findings) enough() bool { return f.Count >= enough }

// String returns the findings for people, "" for none.
func (f *Findings) String() string {
	if f.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d findings, the first:\n\n%s\n", f.Count, strings.Join(f.Shown, "\n\n"))
}

// stateText returns a state of the graph as TLC prints it.
func stateText(c *corpus.Corpus, s int) string {
	var b strings.Builder
	for i, v := range c.Variables {
		fmt.Fprintf(&b, "/\\ %s = %v\n", v.Name, c.Value(s, i))
	}
	return b.String()
}

// variable returns the index of a variable.
func variable(c *corpus.Corpus, name string) (int, error) {
	for i, v := range c.Variables {
		if v.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s has no variable %s", c.Name, name)
}

// field returns a field of a record, None's place where it has none.
func field(v tlavalue.Value, name string) tlavalue.Value {
	r, _ := v.(tlavalue.Record)
	value, _ := r.Get(name)
	return value
}

func equal(a, b tlavalue.Value) bool { return tlavalue.Compare(a, b) == 0 }
