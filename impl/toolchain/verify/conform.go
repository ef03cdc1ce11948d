package verify

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// testLayers are the layers that are packages of tests, conformance/NAME: what
// they count they tell as package conformance/layer says.
var testLayers = []testLayer{
	{name: "traces", needs: tlc.Tools, also: tlaFile, memoryMB: 3000},
	{name: "vectors", needs: leanTools, also: leanFile, memoryMB: leanMemoryMB},
	{name: "linear", race: true, memoryMB: 2000},
	{name: "replay", also: inCorpus, memoryMB: 2000},
	{name: "sim", memoryMB: 1500},
	{name: "stutter", memoryMB: 1500},
	{name: "faults", needs: faultsTools, memoryMB: 2000},
	{name: "mutants", needs: faultsTools, also: everyFile, memoryMB: 3000},
	{name: "ledger", also: everyFile, memoryMB: 1000},
}

// testLayer is a layer that is a package of tests.
type testLayer struct {
	name     string
	needs    func() []tools.Tool    // beside Go
	also     func(path string) bool // what bears on it beside Go's files; nil for nothing
	race     bool                   // whether to run it under the race detector
	memoryMB int
}

// faultsTools are what ends and fails members at their system calls.
func faultsTools() []tools.Tool { return []tools.Tool{tools.Strace()} }

// inCorpus tells the committed graphs, which the layer corpus holds to the models.
func inCorpus(path string) bool { return strings.HasPrefix(path, tlc.CorpusFolder+"/") }

// folder returns the package's folder, relative to the checkout.
func (l testLayer) folder() string { return "conformance/" + l.name }

// cgo is what the race detector needs.
const cgo = "CGO_ENABLED=1"

// deepVariable tells the tests of a layer to do what takes long, too
// (conformance/layer).
const deepVariable = "OMEGA_DEEP"

// mutantsVariable tells the tests of the layer mutants to try all of them.
const mutantsVariable = "OMEGA_MUTANTS"

// layer returns l as verify runs it.
func (l testLayer) layer() layer {
	needs := onlyGo
	switch {
	case l.race:
		needs = goTools
	case l.needs != nil:
		needs = func() []tools.Tool { return append(onlyGo(), l.needs()...) }
	}
	return layer{
		name: l.name, needs: needs, run: l.run, memoryMB: l.memoryMB, deeper: true, mutants: l.name == "mutants",
		matters: func(path string) bool {
			return goFile(path) || strings.Contains(path, "/testdata/") || l.also != nil && l.also(path)
		},
	}
}

// run runs the tests of the package. A skipped test fails the layer: nothing
// stands for what it has not looked at.
func (l testLayer) run(ctx context.Context, t *task) outcome {
	dir, err := t.artifacts(l.name)
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	args := []string{"-timeout=60m", "-artifacts", "-outputdir=" + dir, "./" + l.folder()}
	var env []string
	if l.race {
		args = append([]string{"-race"}, args...)
		env = append(env, cgo)
	}
	if t.deep {
		env = append(env, deepVariable+"=1")
	}
	if t.mutants {
		env = append(env, mutantsVariable+"=1")
	}
	r := newTestRun(t.root, t.line)
	r.goTest(ctx, t, env, args...)
	counts, varying, lists, wrong := r.counted()
	problems := append(r.problems, wrong...)
	for _, id := range r.skipped {
		problems = append(problems, fmt.Sprintf("%s: %s was skipped", l.folder(), id.Test))
	}
	if len(r.passed) == 0 {
		problems = append(problems, l.folder()+": no test has run")
	}
	if len(problems) == 0 {
		os.RemoveAll(dir)
	} else {
		problems = append(problems, "what the tests have kept lies in "+dir)
	}
	counts["tests"] = float64(len(r.passed))
	return outcome{counts: counts, varying: varying, lists: lists, problems: problems, message: countsMessage(counts)}
}

// artifacts makes an empty folder for what the tests of the layer keep when they
// fail: kept/NAME in the cache, until the layer is run again.
func (t *task) artifacts(name string) (string, error) {
	if t.parts == nil {
		return os.MkdirTemp("", "omega-verify-")
	}
	dir := filepath.Join(t.parts.dir, "kept", name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// listKey is what the key of a list begins with, varyingKey that of a number which
// differs from run to run (conformance/layer).
const (
	listKey    = "list."
	varyingKey = "varying."
)

// counted returns what the tests have counted, which of it differs from run to
// run, what they have named, and what is wrong with it.
func (r *testRun) counted() (counts map[string]float64, varying []string, lists map[string][]string, problems []string) {
	counts, lists = map[string]float64{}, map[string][]string{}
	for _, a := range r.attributes {
		if list, ok := strings.CutPrefix(a.Key, listKey); ok {
			lists[list] = append(lists[list], strings.Fields(a.Value)...)
			slices.Sort(lists[list])
			continue
		}
		name, varies := strings.CutPrefix(a.Key, varyingKey)
		if varies {
			varying = append(varying, name)
		}
		n, err := strconv.ParseFloat(a.Value, 64)
		_, again := counts[name]
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: the count %s is %q", a.Test, name, a.Value))
		case again:
			problems = append(problems, fmt.Sprintf("%s: %s is counted twice", a.Test, name))
		}
		counts[name] = n
	}
	slices.Sort(varying)
	return counts, varying, lists, problems
}

// countsMessage tells the counts in words, in the order of their names.
func countsMessage(counts map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, strconv.FormatFloat(counts[name], 'f', -1, 64)+" "+strings.ReplaceAll(name, "_", " "))
	}
	return strings.Join(parts, ", ")
}

// ownLayer reports whether the package is a layer of its own, which the layer go
// leaves out.
func ownLayer(pkg string) bool {
	return slices.ContainsFunc(testLayers, func(l testLayer) bool { return pkg == checkout.Module+"/"+l.folder() })
}
