// Package doctor looks at each layer of OMEGA: are the tools there that build
// and verify it, which versions, and does the layer work on this machine?
//
// The layers are those of the specification, A to G. A tool is looked up and
// tried out; a self-test then runs what the layer is made of, with answers that
// are known beforehand, and with faults that it must notice. A layer is well if
// its tools and its self-test are. Layers that this version does not have yet
// are never well, and do not make the whole unwell: nothing here needs them.
package doctor

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/arch"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Report is what the doctor has found, in the order A to G. It is OK if every
// layer that this version has is.
type Report struct {
	OK     bool    `json:"ok"`
	Layers []Layer `json:"layers"`
}

// Layer is one layer's findings.
type Layer struct {
	Layer    string   `json:"layer"` // its letter
	Name     string   `json:"name"`
	OK       bool     `json:"ok"`
	Tools    []Tool   `json:"tools"`
	SelfTest SelfTest `json:"selftest"`

	exists bool // in this version
}

// Exists reports whether this version has the layer. One that it does not have
// is not OK, without anything being wrong.
func (l *Layer) Exists() bool { return l.exists }

// Tool is a tool as it was found.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"` // empty where it is missing
	Source  string `json:"source"`  // the path of the program, empty where it is missing
	OK      bool   `json:"ok"`
	Message string `json:"message"` // what is wrong and how to mend it, else empty
}

// SelfTest is what came out of running the layer.
type SelfTest struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"` // what was seen
}

// Options says what to look at.
type Options struct {
	Root    string    // a folder of the checkout
	Install bool      // install what is missing, where that is possible
	Log     io.Writer // a line as each layer begins, and the output of installations

	// Runtime is the self-test of layer B: a quorum in this process. It returns
	// what it has seen.
	Runtime func(ctx context.Context) (string, error)
}

// missingLayer is the message of a layer that is not there yet.
const missingLayer = "comes with a later version; nothing in this one needs it"

// examination is how one layer is looked at.
type examination struct {
	letter, name string
	tools        []tools.Tool
	test         func(ctx context.Context, o *Options) (string, error) // nil where the layer is not there yet
}

// examinations are those of all layers, in order.
func examinations() []examination {
	return []examination{
		{"A", "formal", nil, nil},
		{"B", "runtime", nil, testRuntime},
		{"C", "systems", nil, testSystems},
		{"D", "analytics", emulators(), testAnalytics},
		{"E", "protocol", nil, nil},
		{"F", "implementation", []tools.Tool{tools.Go(), tools.C(), tools.Git()}, testImplementation},
		{"G", "observability", nil, nil},
	}
}

// emulators returns those of the architectures that this machine is not.
func emulators() []tools.Tool {
	var list []tools.Tool
	for _, goarch := range arch.Architectures {
		if tool, foreign := arch.Emulator(goarch); foreign {
			list = append(list, tool)
		}
	}
	return list
}

// Run looks at all layers. The error is that of ctx; what is wrong with a layer
// stands in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	return run(ctx, &o, examinations())
}

func run(ctx context.Context, o *Options, list []examination) (*Report, error) {
	r := &Report{OK: true}
	for _, e := range list {
		l := e.run(ctx, o)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.OK = r.OK && (l.OK || !l.exists)
		r.Layers = append(r.Layers, l)
	}
	return r, nil
}

func (e examination) run(ctx context.Context, o *Options) Layer {
	l := Layer{Layer: e.letter, Name: e.name, Tools: []Tool{}, exists: e.test != nil}
	if !l.exists {
		l.SelfTest.Message = missingLayer
		return l
	}
	fmt.Fprintf(o.Log, "doctor: layer %s, %s\n", e.letter, e.name)
	l.OK = true
	for _, t := range e.tools {
		found := look(ctx, o, t)
		l.OK = l.OK && found.OK
		l.Tools = append(l.Tools, found)
	}
	l.SelfTest = e.selfTest(ctx, o)
	l.OK = l.OK && l.SelfTest.OK
	return l
}

// selfTest runs the layer's self-test; one that panics has failed.
func (e examination) selfTest(ctx context.Context, o *Options) (s SelfTest) {
	defer func() {
		if p := recover(); p != nil {
			s = SelfTest{Message: fmt.Sprintf("the self-test panics: %v", p)}
		}
	}()
	seen, err := e.test(ctx, o)
	if err != nil {
		return SelfTest{Message: err.Error()}
	}
	return SelfTest{OK: true, Message: seen}
}

// look finds the tool, and installs it where that was asked for.
func look(ctx context.Context, o *Options, t tools.Tool) Tool {
	find := func() (tools.Found, error) { f := t.Find(ctx); return f, f.Err }
	if o.Install {
		find = func() (tools.Found, error) { return t.FindOrInstall(ctx, o.Log) }
	}
	f, err := find()
	if err != nil {
		return Tool{Name: t.Name, Version: f.Version, Source: f.Path, Message: err.Error()}
	}
	return Tool{Name: t.Name, Version: f.Version, Source: f.Path, OK: true}
}

// Missing says what is wrong with the layers that this version has, one line
// each; it is empty where the report is OK.
func (r *Report) Missing() []string {
	var lines []string
	for _, l := range r.Layers {
		if !l.exists {
			continue
		}
		for _, t := range l.Tools {
			if !t.OK {
				lines = append(lines, fmt.Sprintf("layer %s: %s", l.Layer, t.Message))
			}
		}
		if !l.SelfTest.OK {
			first, _, _ := strings.Cut(l.SelfTest.Message, "\n")
			lines = append(lines, fmt.Sprintf("layer %s, self-test: %s", l.Layer, first))
		}
	}
	return lines
}
