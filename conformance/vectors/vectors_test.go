package vectors

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/stretchr/testify/require"
)

const root = "../.."

var writeTo = flag.String("vectors.write", "", "write the vectors to this file and ask Lean nothing")

// written are the vectors for the file that writeTo names.
var written []Vector

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *writeTo != "" && code == 0 {
		if err := writeFile(*writeTo, written); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func writeFile(path string, list []Vector) error {
	imports, err := lean.Specs(root)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = Write(f, imports, list)
	return err
}

// result is what came out for one module.
type result struct {
	vectors  []Vector
	refusals []*Refusal
	text     string
	err      error
}

// modules has what came out for the modules that were asked for, each once.
var modules sync.Map

// maxVectors is how many vectors stand in one module under verify --deep.
const maxVectors = 600

// judged draws the vectors of all kinds that share the module, and has Lean judge them.
func judged(t *testing.T, name string) []result {
	once, _ := modules.LoadOrStore(name, sync.OnceValue(func() []result {
		var all []Vector
		for _, k := range Kinds(root) {
			if k.Module == name {
				list, err := k.Draw(layer.Runs(k.Quick, k.Deep))
				if err != nil {
					return []result{{err: err}}
				}
				all = append(all, list...)
			}
		}
		var results []result
		for part := range slices.Chunk(all, maxVectors) {
			r := result{vectors: part}
			r.text, r.refusals, r.err = Judge(t.Context(), root, "Vectors"+name, part, t.Output())
			results = append(results, r)
		}
		return results
	}))
	return once.(func() []result)()
}

func kindOf(t *testing.T, name string) Kind {
	for _, k := range Kinds(root) {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("there is no kind %q", name)
	return Kind{}
}

// holds requires that Lean accepts all vectors of the kind but the wrong ones.
func holds(t *testing.T, name string) {
	k := kindOf(t, name)
	if *writeTo != "" {
		list, err := k.Draw(layer.Runs(k.Quick, k.Deep))
		require.NoError(t, err)
		written = append(written, list...)
		return
	}
	right, wrong := 0, 0
	for i, r := range judged(t, k.Module) {
		file := keep(t, fmt.Sprintf("Vectors%s%d.lean", k.Module, i), r.text, false)
		require.NoError(t, r.err, file)
		for j := range r.vectors {
			v, refusal := &r.vectors[j], r.refusals[j]
			switch {
			case v.Kind != name:
			case v.Wrong && refusal == nil:
				t.Errorf("a wrong vector is accepted: %s", v)
			case v.Wrong && !refusal.False():
				t.Errorf("a wrong vector is refused for something else than being false: %s\n%s", v, refusal.Text)
			case v.Wrong:
				wrong++
			case refusal != nil:
				t.Errorf("%s:%d: %s\nLean: %s", keep(t, file, r.text, true), refusal.Line, v, refusal.Text)
			default:
				right++
			}
		}
	}
	require.Positive(t, wrong, "no wrong vector of the kind was judged")
	layer.Count(t, name, right)
}

// keep returns the path under which a failure's module is kept, and with write keeps it.
func keep(t *testing.T, name, text string, write bool) string {
	path := filepath.Join(t.ArtifactDir(), filepath.Base(name))
	if write {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return path
}

func TestKeysAreLeans(t *testing.T)         { holds(t, "keys") }
func TestEventsAreLeans(t *testing.T)       { holds(t, "events") }
func TestFramesAreLeans(t *testing.T)       { holds(t, "frames") }
func TestEnvelopesAreLeans(t *testing.T)    { holds(t, "envelopes") }
func TestSortsAreLeans(t *testing.T)        { holds(t, "sorts") }
func TestGluingsAreLeans(t *testing.T)      { holds(t, "gluings") }
func TestObstructionsAreLeans(t *testing.T) { holds(t, "obstructions") }
func TestNumbersAreLeans(t *testing.T)      { holds(t, "numbers") }
func TestTreesAreLeans(t *testing.T)        { holds(t, "trees") }
func TestStepsAreLeans(t *testing.T)        { holds(t, "steps") }
