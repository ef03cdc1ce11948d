package tlc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Kind is how a run has ended.
type Kind string

// The kinds.
const (
	Holds    Kind = "holds"
	Violated Kind = "violates" // a property; see Outcome.Property
	Deadlock Kind = "deadlock"
	Broken   Kind = "error" // in a module or the configuration: see Text and Where
	Memory   Kind = "out of memory"
	Killed   Kind = "killed"
)

// Outcome is what TLC says of a run.
type Outcome struct {
	Kind     Kind
	Property string // violated: its name; "" for a temporal one, which TLC does not name
	Text     string // what TLC says where it does not hold
	Where    string // the module or configuration, line and column of an error, as M:5:14
	Trace    []Step // a behaviour that shows it

	Generated, Distinct int64
	Depth               int
	Actions             []Action // from the last coverage
	Reached             map[int]bool
	Warnings            []string
}

// Step is a state of a behaviour and the action that led to it.
type Step struct {
	Action string // as TLC names it, with its place
	State  string // "" where the behaviour stutters or goes back
}

// Action is a disjunct of the next-state relation.
type Action struct {
	Name  string
	Place string // within the action where it is one of several, else ""
	Fired int64  // how many states it has made, each as often as it was made
}

// The codes of TLC's messages that are understood, as tlc2.output.EC has them.
const (
	codeError            = 1000
	codeSuccess          = 2193
	codeInvariantInitial = 2107
	codeInvariant        = 2110
	codeAction           = 2112
	codeDeadlock         = 2114
	codeTemporal         = 2116
	codeState            = 2217
	codeStuttering       = 2218
	codeBackToState      = 2122
	codeStats            = 2199
	codeDepth            = 2194
	codeCoverageStart    = 2201
	codeCoverageAction   = 2772
	codeBehaviour        = 2121
	codeCounterexample   = 2264
	codeParsing          = 2220
)

// The severities.
const (
	severityError   = 1
	severityWarning = 3
)

// message is what stands between STARTMSG and ENDMSG. Its text holds that of the
// messages within it. What stands outside of any has the code 0.
type message struct {
	code, severity int
	text           string
}

var (
	startPattern = regexp.MustCompile(`@!@!@STARTMSG (\d+):(\d+) @!@!@$`)
	endPattern   = regexp.MustCompile(`^@!@!@ENDMSG \d+ @!@!@$`)
)

// ReadOutput reads what TLC prints with -tool. The outcome is Broken until ended
// has judged it with the exit status.
func ReadOutput(in io.Reader) (*Outcome, error) {
	r := &outputReader{out: &Outcome{Kind: Broken, Reached: map[int]bool{}}}
	lines := bufio.NewReader(in)
	var open []message
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			open = r.line(strings.TrimRight(line, "\r\n"), open)
		}
		if errors.Is(err, io.EOF) {
			r.finish(open)
			return r.out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

type outputReader struct {
	out     *Outcome
	success bool
	errors  []string
	loose   []string // lines outside of messages that may be an error's
}

// line takes a line, with the messages that are open, the innermost last.
func (r *outputReader) line(line string, open []message) []message {
	if m := startPattern.FindStringSubmatchIndex(line); m != nil {
		if before := line[:m[0]]; before != "" {
			open = r.line(before, open)
		}
		code, _ := strconv.Atoi(line[m[2]:m[3]])
		severity, _ := strconv.Atoi(line[m[4]:m[5]])
		return append(open, message{code: code, severity: severity})
	}
	if endPattern.MatchString(line) && len(open) > 0 {
		last := open[len(open)-1]
		open = open[:len(open)-1]
		if len(open) > 0 {
			open[len(open)-1].text += last.text
		} else {
			r.message(last)
		}
		return open
	}
	if len(open) > 0 && open[len(open)-1].code != codeParsing {
		open[len(open)-1].text += line + "\n"
		return open
	}
	r.outside(line)
	return open
}

var reachPattern = regexp.MustCompile(`^<<"omega-reach", (\d+)>>$`)

// outside takes a line that is in no message: what PrintT prints, what the parser
// says, or Java itself.
func (r *outputReader) outside(line string) {
	if m := reachPattern.FindStringSubmatch(line); m != nil {
		n, _ := strconv.Atoi(m[1])
		r.out.Reached[n] = true
		return
	}
	for _, noise := range []string{"Parsing file ", "Semantic processing of module ", "Starting SANY", "SANY finished"} {
		if strings.HasPrefix(line, noise) {
			return
		}
	}
	if strings.TrimSpace(line) != "" && len(r.loose) < 100 {
		r.loose = append(r.loose, line)
	}
}

var (
	statsPattern    = regexp.MustCompile(`^(\d+) states generated, (\d+) distinct states found`)
	depthPattern    = regexp.MustCompile(`^The depth of the complete state graph search is (\d+)\.`)
	coveragePattern = regexp.MustCompile(`^<(\S+) line \d+, col \d+ to line \d+, col \d+ of module (\w+)(?: \((\d+) (\d+) \d+ \d+\))?>: (\d+):(\d+)`)
	violatedPattern = regexp.MustCompile(`^(?:Invariant|Action property) (\S+) is violated`)
	stepPattern     = regexp.MustCompile(`^\d+: (.*)$`)
)

// message takes a message that is complete.
func (r *outputReader) message(m message) {
	out := r.out
	first, rest, _ := strings.Cut(strings.TrimSuffix(m.text, "\n"), "\n")
	switch m.code {
	case codeSuccess:
		r.success = true
	case codeInvariantInitial, codeInvariant, codeAction:
		if name := violatedPattern.FindStringSubmatch(first); name != nil && r.noErrorYet() {
			out.Kind, out.Property = Violated, name[1]
		}
		if m.code == codeInvariantInitial {
			out.Trace = append(out.Trace, Step{"<Initial predicate>", rest})
		}
	case codeTemporal:
		if r.noErrorYet() {
			out.Kind = Violated
		}
	case codeDeadlock:
		if r.noErrorYet() {
			out.Kind = Deadlock
		}
	case codeState, codeStuttering, codeBackToState:
		if step := stepPattern.FindStringSubmatch(first); step != nil {
			out.Trace = append(out.Trace, Step{step[1], rest})
		}
	case codeStats:
		if n := statsPattern.FindStringSubmatch(first); n != nil {
			out.Generated, _ = strconv.ParseInt(n[1], 10, 64)
			out.Distinct, _ = strconv.ParseInt(n[2], 10, 64)
		}
	case codeDepth:
		if n := depthPattern.FindStringSubmatch(first); n != nil {
			out.Depth, _ = strconv.Atoi(n[1])
		}
	case codeCoverageStart:
		out.Actions = nil // it is told again and again; the last counts
	case codeCoverageAction:
		out.addAction(first)
	case codeBehaviour, codeCounterexample:
	default:
		r.other(m)
		return
	}
	if m.severity == severityError && m.code != codeBehaviour && m.code != codeCounterexample {
		r.errors = append(r.errors, first)
	}
}

func (r *outputReader) noErrorYet() bool { return len(r.errors) == 0 }

// other takes a message that has no meaning of its own here: an error is one.
func (r *outputReader) other(m message) {
	text := strings.TrimSpace(m.text)
	switch m.severity {
	case severityError:
		r.errors = append(r.errors, text)
	case severityWarning:
		r.out.Warnings = append(r.out.Warnings, text)
	}
}

// addAction takes a line of the coverage. TLC tells each disjunct of an action
// that has several by its place.
func (o *Outcome) addAction(line string) {
	m := coveragePattern.FindStringSubmatch(line)
	if m == nil {
		return
	}
	a := Action{Name: m[1]}
	if m[3] != "" {
		a.Place = fmt.Sprintf("%s:%s:%s", m[2], m[3], m[4])
	}
	a.Fired, _ = strconv.ParseInt(m[6], 10, 64)
	o.Actions = append(o.Actions, a)
}

// finish ends with what was left open, as when Java has been killed.
func (r *outputReader) finish(open []message) {
	for _, m := range open {
		r.loose = append(r.loose, strings.TrimSpace(m.text))
	}
	out := r.out
	all := strings.Join(append(append([]string{}, r.loose...), r.errors...), "\n")
	out.Text = strings.TrimSpace(all)
	switch {
	case strings.Contains(all, "OutOfMemoryError"):
		out.Kind = Memory
	case out.Kind == Violated || out.Kind == Deadlock:
		out.Text = r.errors[0]
	case r.success && len(r.errors) == 0:
		out.Kind = Holds
	default:
		out.Where = place(all)
	}
}

var (
	rangePattern  = regexp.MustCompile(`(?i)line (\d+), col(?:umn)? (\d+) to line \d+, col(?:umn)? \d+ (?:of module|in) (\w+)`)
	parsePattern  = regexp.MustCompile(`(?s)at line (\d+), column (\d+) .*in file (\w+)`)
	configPattern = regexp.MustCompile(`configuration file at line (\d+)`)
)

// place returns where an error is: the innermost of the places that TLC tells.
func place(text string) string {
	if all := rangePattern.FindAllStringSubmatch(text, -1); all != nil {
		m := all[len(all)-1]
		return m[3] + ":" + m[1] + ":" + m[2]
	}
	if m := parsePattern.FindStringSubmatch(text); m != nil {
		return m[3] + ":" + m[1] + ":" + m[2]
	}
	if m := configPattern.FindStringSubmatch(text); m != nil {
		return configName + ":" + m[1]
	}
	return ""
}

// The exit statuses of TLC that agree with an outcome.
var statuses = map[Kind][]int{Holds: {0}, Violated: {12, 13}, Deadlock: {11}}

// ended compares what was said with how the program has ended: a program that
// was killed, or whose status tells something else, has shown nothing.
func (o *Outcome) ended(err error) {
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		o.Kind, o.Text = Broken, err.Error()
		return
	}
	if status < 0 {
		o.Kind, o.Text = Killed, "TLC was killed: "+exit.Error()
		return
	}
	want, judged := statuses[o.Kind]
	for _, s := range want {
		if s == status {
			return
		}
	}
	if judged {
		o.Text = fmt.Sprintf("TLC says %q, and ends with status %d\n%s", o.Kind, status, o.Text)
		o.Kind = Broken
	}
	if o.Text == "" {
		o.Text = fmt.Sprintf("TLC says nothing, and ends with status %d", status)
	}
}
