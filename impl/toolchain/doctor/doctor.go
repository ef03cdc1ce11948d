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
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/arch"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Report is what the doctor has found, in the order A to G. It is OK if every
// layer that this version has is, and no tool is missing.
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
	Source  string `json:"source"`  // "PATH", "cache" or the variable that names it; empty where it is missing
	Path    string `json:"path"`    // of the program, empty where it is missing
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

// examination is how one layer is looked at.
type examination struct {
	letter, name string
	exists       bool // in this version
	tools        []tools.Tool
	test         func(ctx context.Context, o *Options) (string, error)
}

// examinations are those of all layers, in order.
func examinations(ctx context.Context) []examination {
	return []examination{
		{"A", "formal", true, formalTools(ctx), testFormal},
		{"B", "runtime", true, nil, testRuntime},
		{"C", "systems", true, []tools.Tool{tools.Strace()}, testSystems},
		{"D", "analytics", true, emulators(), testAnalytics},
		{"E", "protocol", true, []tools.Tool{tools.Java(), tools.TLC()}, testProtocol},
		{"F", "implementation", true, []tools.Tool{tools.Go(), tools.C(), tools.Git()}, testImplementation},
		{"G", "observability", false, []tools.Tool{tools.Chromium()}, testObservability},
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
	return run(ctx, &o, examinations(ctx))
}

func run(ctx context.Context, o *Options, list []examination) (*Report, error) {
	o.Log = &tools.SharedWriter{Mu: &sync.Mutex{}, W: o.Log}
	r := &Report{OK: true, Layers: make([]Layer, len(list))}
	slots := make(chan struct{}, min(2, runtime.NumCPU()))
	var wg sync.WaitGroup
	for i, e := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				r.Layers[i] = e.run(ctx, o)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.OK = len(r.Missing()) == 0
	return r, nil
}

func (e examination) run(ctx context.Context, o *Options) Layer {
	start := time.Now()
	fmt.Fprintf(o.Log, "doctor: layer %s, %s\n", e.letter, e.name)
	l := Layer{Layer: e.letter, Name: e.name, Tools: []Tool{}, exists: e.exists, OK: e.exists}
	for _, t := range e.tools {
		found := look(ctx, o, t)
		l.OK = l.OK && found.OK
		l.Tools = append(l.Tools, found)
	}
	l.SelfTest = e.selfTest(ctx, o)
	l.OK = l.OK && l.SelfTest.OK
	fmt.Fprintf(o.Log, "doctor: layer %s took %.1f s\n", e.letter, time.Since(start).Seconds())
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
		return Tool{Name: t.Name, Version: f.Version, Source: f.Source, Path: f.Path, Message: err.Error()}
	}
	return Tool{Name: t.Name, Version: f.Version, Source: f.Source, Path: f.Path, OK: true}
}

// Missing says what is wrong, one line each; it is empty where the report is OK.
// A self-test without its tools is not told of.
func (r *Report) Missing() []string {
	var lines []string
	for _, l := range r.Layers {
		missing := len(lines)
		for _, t := range l.Tools {
			if !t.OK {
				lines = append(lines, fmt.Sprintf("layer %s: %s", l.Layer, t.Message))
			}
		}
		if !l.SelfTest.OK && len(lines) == missing {
			first, _, _ := strings.Cut(l.SelfTest.Message, "\n")
			lines = append(lines, fmt.Sprintf("layer %s, self-test: %s", l.Layer, first))
		}
	}
	return lines
}
