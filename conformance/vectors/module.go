package vectors

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// prelude is what each module begins with, behind its imports: what the vectors'
// values are written with.
//
//go:embed prelude.lean
var prelude string

const (
	wrongMark = "wrong "
	begin     = "example : "
	end       = " := by decide +kernel"

	// last is a module's last line. That Lean refuses it shows that it came there.
	last = begin + "0 = 1" + end

	// isFalse ends the first sentence of what Lean says of a false equation, which it
	// begins so.
	decided = "Tactic `decide` proved that the proposition"
	isFalse = "is false"
)

// Write writes a module with the vectors, which imports the modules named, and
// returns for each vector the line on which it stands, from 1.
func Write(out io.Writer, imports []string, list []Vector) (lines []int, err error) {
	var b strings.Builder
	b.WriteString("module\n\n")
	for _, name := range imports {
		b.WriteString("public import " + name + "\n")
	}
	b.WriteString("\n" + prelude + "\n")
	line := strings.Count(b.String(), "\n") + 1
	for i := range list {
		v := &list[i]
		mark := ""
		if v.Wrong {
			mark = wrongMark
		}
		fmt.Fprintf(&b, "-- %s%s %s\n%s%s%s\n", mark, v.Kind, v.Form, begin, v.Statement(), end)
		lines = append(lines, line+1)
		line += 2
	}
	b.WriteString("-- the end\n" + last + "\n")
	_, err = io.WriteString(out, b.String())
	return lines, err
}

// ErrNoVectors says that a file holds no vector.
var ErrNoVectors = errors.New("it holds no vector")

// Read reads the vectors of a module that Write has written. Errors: ErrNoVectors.
func Read(in io.Reader) ([]Vector, error) {
	var list []Vector
	r := bufio.NewReader(in)
	about := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		line = strings.TrimSuffix(line, "\n")
		if statement, ok := strings.CutPrefix(line, begin); ok && line != last {
			v := Vector{}
			about, v.Wrong = strings.CutPrefix(about, wrongMark)
			v.Kind, v.Form, _ = strings.Cut(about, " ")
			v.Call, v.Out, _ = strings.Cut(strings.TrimSuffix(statement, end), " = ")
			list = append(list, v)
		}
		about = strings.TrimPrefix(line, "-- ")
		if err != nil {
			break
		}
	}
	if len(list) == 0 {
		return nil, ErrNoVectors
	}
	return list, nil
}

// Refusal is what Lean says of a vector that it refuses.
type Refusal struct {
	Line int // of the vector, in the module
	Text string
}

// False reports whether the vector is refused because its equation does not hold,
// and not, say, because Lean cannot read it.
func (r *Refusal) False() bool {
	head, _, found := strings.Cut(r.Text, "\n"+isFalse)
	return found && strings.HasPrefix(head, decided)
}

// Judge has Lean check a module with the vectors, in one process, against the
// specification in the checkout root. It returns the module and for each vector
// Lean's refusal, or nil. An error means that Lean has not judged all of them.
func Judge(ctx context.Context, root, name string, list []Vector, log io.Writer) (module string, refusals []*Refusal, err error) {
	imports, err := lean.Specs(root)
	if err != nil {
		return "", nil, err
	}
	var text strings.Builder
	lines, err := Write(&text, imports, list)
	if err != nil {
		return "", nil, err
	}
	compiler, err := tools.OpenLean(ctx)
	if err != nil {
		return text.String(), nil, err
	}
	messages, err := lean.Try(ctx, lean.Options{
		Root: root, Compiler: compiler, Identity: compiler.Path + " " + compiler.Version, Native: compiler.Native,
		Workers: runtime.NumCPU(), Log: log,
	}, lean.Source{Name: name, Text: text.String()})
	if err != nil {
		return text.String(), nil, err
	}
	refusals, err = assign(lines, messages)
	return text.String(), refusals, err
}

// assign finds out which vectors are refused. The last message must be of the last
// line.
func assign(lines []int, messages []lean.Message) ([]*Refusal, error) {
	refusals := make([]*Refusal, len(lines))
	at := map[int]int{}
	end := 2
	for i, line := range lines {
		at[line] = i
		end = line + 2
	}
	for _, m := range messages {
		i, ok := at[m.Line]
		switch {
		case ok:
			refusals[i] = &Refusal{m.Line, m.Text}
		case len(lines) > 0 && m.Line == end:
			return refusals, nil
		default:
			return nil, fmt.Errorf("line %d, where no vector stands: %s", m.Line, m.Text)
		}
	}
	return nil, errors.New("the last line, 0 = 1, is not refused: Lean has not come to the end")
}

// Verdict says what Lean refuses of a file that it should accept, and accepts of
// what it should refuse.
type Verdict struct {
	File    string
	Vectors int
	Failed  []Vector
}

// Kinds returns the kinds of the vectors that failed, each once.
func (v *Verdict) Kinds() []string {
	var kinds []string
	seen := map[string]bool{}
	for _, f := range v.Failed {
		if !seen[f.Kind] {
			seen[f.Kind] = true
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// Check has Lean check the vectors of many modules that Write has written, in one
// process; what stands in several files is checked once. An error means that Lean
// has not judged all of them.
func Check(ctx context.Context, root string, log io.Writer, files ...string) ([]Verdict, error) {
	verdicts := make([]Verdict, len(files))
	var union []Vector
	place := map[string]int{} // by statement
	read := make([][]Vector, len(files))
	for i, file := range files {
		verdicts[i].File = file
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if read[i], err = Read(strings.NewReader(string(b))); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		for _, v := range read[i] {
			if _, known := place[v.Statement()]; !known {
				place[v.Statement()] = len(union)
				union = append(union, v)
			}
		}
	}
	_, refusals, err := Judge(ctx, root, "ManyVectors", union, log)
	if err != nil {
		return nil, err
	}
	for i, list := range read {
		verdicts[i].Vectors = len(list)
		for _, v := range list {
			if (refusals[place[v.Statement()]] != nil) != v.Wrong {
				verdicts[i].Failed = append(verdicts[i].Failed, v)
			}
		}
	}
	return verdicts, nil
}
