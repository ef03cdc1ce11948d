// Package tlc runs TLC, the model checker of TLA+, on the configurations of tla/,
// and says of each whether what came out is what was expected.
//
// A configuration is a file NAME.cfg for TLC that begins with comments, which say
// how it is run and what must come out:
//
//	\* run: quick
//	\* module: QuorumTwo
//	\* expect: holds
//	\* why: two members are the fewest that can disagree; one crash shows what
//	\* is lost
//	\* states: 12345 distinct, depth 21
//	\* reach: SomeoneLocked
//	\* never: Adopt nobody is behind with one height
//
// The fields:
//
//	run      quick: in every verify. large: with --deep. graph: quick, and the
//	         source of a corpus (see conformance/corpus). negative: a model with a
//	         rule dropped, which must violate the property that the rule is for
//	module   the module that is checked, a file beside this one
//	expect   "holds"; for a negative one "violates NAME", NAME being the invariant
//	         or property that must be found violated, or "deadlock"
//	why      why these bounds, or which rule is dropped; it goes on over lines
//	states   how many distinct states there are, and the depth of the search: another
//	         number means that the model has changed. Wanted of quick and graph
//	reach    a state predicate that must be true in some state; repeats
//	never    an action that cannot happen here, and the reason; repeats. Every other
//	         action must happen
//
// A temporal property that is violated is not named by TLC: a negative one that
// expects that lists this property alone.
package tlc

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Program is TLC as it was found.
type Program struct{ checker *tools.ModelChecker }

// Open finds TLC and its Java. It installs nothing; the error is a
// *tools.MissingError for each that is missing.
func Open(ctx context.Context) (Program, error) {
	checker, err := tools.OpenTLC(ctx)
	return Program{checker}, err
}

// Tools are what Open needs.
func Tools() []tools.Tool { return []tools.Tool{tools.Java(), tools.TLC()} }

// HeapMB is the heap of each run that is not large, LargeHeapMB that of a large
// one, in MB; overheadMB is what Java needs besides.
const (
	HeapMB      = tools.ShortHeapMB
	LargeHeapMB = 2304
	overheadMB  = 384
)

// MemoryMB is what a run of c needs at most.
func (c *Config) MemoryMB() int { return c.heapMB() + overheadMB }

func (c *Config) heapMB() int {
	if c.Run == Large {
		return LargeHeapMB
	}
	return HeapMB
}

// The times after which a run is taken to hang: the quick ones need a minute at
// most, the large ones twenty.
const (
	quickLimit = 10 * time.Minute
	largeLimit = 90 * time.Minute
)

// Check runs TLC on c, with so many workers, in a scratch folder of its own. It
// returns an error where TLC was not run to its end because of ctx or the system;
// whatever TLC says is an outcome.
func (p Program) Check(ctx context.Context, c *Config, workers int) (*Outcome, error) {
	files, err := c.plainFiles()
	if err != nil {
		return nil, err
	}
	if c.Run == Negative {
		return p.run(ctx, c, files, workers) // which actions fire is not asked of it
	}
	return p.run(ctx, c, files, workers, "-coverage", "1")
}

// Dump runs TLC on a graph configuration and gives the whole state graph to read,
// as `-dump dot,actionlabels` writes it, with the variable of conformance/corpus
// that tells the states beyond the bound. It is read if TLC has found no error.
func (p Program) Dump(ctx context.Context, c *Config, read func(io.Reader) error) (*Outcome, error) {
	files, err := c.graphFiles()
	if err != nil {
		return nil, err
	}
	files.dump = read
	return p.run(ctx, c, files, 1, "-dump", "dot,actionlabels", dumpName)
}

const dumpName = "dump.dot"

// scratch is what a run needs: files by their names, and the module to run.
type scratch struct {
	module string
	files  map[string]string
	dump   func(io.Reader) error // nil where nothing is dumped
}

const configName = "run.cfg"

func (p Program) run(ctx context.Context, c *Config, s *scratch, workers int, args ...string) (*Outcome, error) {
	dir, err := os.MkdirTemp("", "omega-tlc-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	limit := quickLimit
	if c.Run == Large {
		limit = largeLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := p.checker.Command(limited, dir, c.heapMB(), append([]string{
		"-tool", "-workers", strconv.Itoa(workers), "-metadir", filepath.Join(dir, "states"), "-config", configName,
	}, append(args, s.module)...)...)
	out, err := Output(cmd, io.Discard)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if limited.Err() != nil {
		return &Outcome{Kind: Killed, Text: fmt.Sprintf("TLC has not ended within %v", limit)}, nil
	}
	if err != nil {
		return nil, err
	}
	if s.dump != nil && out.Kind == Holds {
		return out, readDump(filepath.Join(dir, dumpName), s.dump)
	}
	return out, nil
}

// Output runs cmd, a command of TLC's with -tool, and returns what it says, in its own
// words to said. An error means that this could not be read.
func Output(cmd *exec.Cmd, said io.Writer) (*Outcome, error) {
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	out, err := ReadOutput(io.TeeReader(pipe, said))
	_, drained := io.Copy(io.Discard, pipe)
	status := cmd.Wait()
	if err := errors.Join(err, drained); err != nil {
		return nil, fmt.Errorf("TLC's output: %w", err)
	}
	out.ended(status)
	return out, nil
}

func readDump(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(f)
}

// CorpusFolder holds the committed corpora, relative to the checkout.
const CorpusFolder = "conformance/corpus/testdata"

// CorpusSuffix ends the names of their files.
const CorpusSuffix = ".corpus.gz"

// CorpusPath returns the file of the corpus that a graph configuration gives,
// relative to the checkout.
func (c *Config) CorpusPath() string { return path.Join(CorpusFolder, c.Name+CorpusSuffix) }

// Corpus makes the corpus of a graph configuration.
func (p Program) Corpus(ctx context.Context, c *Config) (*corpus.Corpus, error) {
	var made *corpus.Corpus
	var within int64
	out, err := p.Dump(ctx, c, func(dump io.Reader) (err error) {
		made, within, err = corpus.FromDot(dump, c.Name)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	case out.Kind != Holds:
		return nil, errors.New(c.failure(out))
	case within != c.Distinct:
		return nil, c.bad(0, "the dump has %d states within the bound; recorded are %d", within, c.Distinct)
	}
	return made, nil
}

//go:embed *.go
var sources embed.FS

// Key names all that decides what comes out of Check, Judge and Corpus for c: the
// configuration, its modules, TLC and its Java, the code that runs and reads it, and
// more.
func (p Program) Key(c *Config, more ...string) (string, error) {
	h := sha256.New()
	add := func(name, text string) { fmt.Fprintf(h, "%d %s %d %s\n", len(name), name, len(text), text) }
	for _, text := range append([]string{p.checker.Version, p.checker.Java.Version}, more...) {
		add("", text)
	}
	add(c.Path, c.text)
	for _, m := range c.modules {
		add(m.Path, m.text)
	}
	for _, code := range []embed.FS{sources, corpus.Sources, tlavalue.Sources} {
		err := fs.WalkDir(code, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := code.ReadFile(name)
			add(name, string(text))
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
