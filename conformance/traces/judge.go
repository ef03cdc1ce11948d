package traces

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Judge asks TLC for verdicts.
type Judge struct {
	checker *tools.ModelChecker
	models  string // the folder of the models
}

// NewJudge finds TLC and its Java, and the models of the checkout root. It installs
// nothing; the error is a *tools.MissingError for each that is missing.
func NewJudge(ctx context.Context, root string) (*Judge, error) {
	checker, err := tools.OpenTLC(ctx)
	if err != nil {
		return nil, err
	}
	return &Judge{checker, filepath.Join(root, tlc.Folder)}, nil
}

// mostEvents is how many events go into one run of TLC, so that it needs no more than
// tlc.HeapMB.
const mostEvents = 8_000

// Judge returns the verdict on each trace. The error says why TLC has not judged all
// of them.
func (j *Judge) Judge(ctx context.Context, traces []*Trace) ([]Verdict, error) {
	verdicts := make([]Verdict, len(traces))
	for _, batch := range batches(traces) {
		if err := j.batch(ctx, traces, batch, verdicts); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// batches returns the indexes of the traces that one run of TLC can judge: those with
// the same members and liars.
func batches(traces []*Trace) [][]int {
	byRoster := map[string][][]int{}
	room := map[string]int{}
	for i, t := range traces {
		k := fmt.Sprint(t.Members, t.Liars)
		if room[k] -= len(t.Events); room[k] < 0 {
			room[k] = mostEvents - len(t.Events)
			byRoster[k] = append(byRoster[k], nil)
		}
		last := len(byRoster[k]) - 1
		byRoster[k][last] = append(byRoster[k][last], i)
	}
	var all [][]int
	for _, k := range slices.Sorted(maps.Keys(byRoster)) {
		all = append(all, byRoster[k]...)
	}
	return all
}

// batch judges the traces with the indexes, and sets their verdicts.
func (j *Judge) batch(ctx context.Context, traces []*Trace, indexes []int, verdicts []Verdict) error {
	var chosen []*Trace
	for _, i := range indexes {
		chosen = append(chosen, traces[i])
	}
	dir, err := os.MkdirTemp("", "omega-traces-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := j.writeFiles(dir, chosen); err != nil {
		return err
	}
	said, err := j.run(ctx, dir)
	if err != nil {
		return err
	}
	found, err := readVerdicts(said, chosen)
	if err != nil {
		return err
	}
	for k, i := range indexes {
		verdicts[i] = found[k]
	}
	return nil
}

const configFile = "run.cfg"

func (j *Judge) writeFiles(dir string, traces []*Trace) error {
	text, values := module(recordedModule, group{recorded, traces})
	files := map[string]string{recordedModule + ".tla": text, configFile: configuration(traces[0], values, recorded)}
	for _, name := range []string{"Quorum.tla", judgeModule + ".tla"} {
		b, err := os.ReadFile(filepath.Join(j.models, name))
		if err != nil {
			return err
		}
		files[name] = string(b)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// run runs TLC in dir, and returns what it has said. Whatever it says is wrong is an
// error: a trace that is rejected is not.
func (j *Judge) run(ctx context.Context, dir string) ([]byte, error) {
	cmd := j.checker.Command(ctx, dir, tlc.HeapMB, "-tool", "-workers", "1",
		"-metadir", filepath.Join(dir, "states"), "-config", configFile, recordedModule)
	var said bytes.Buffer
	out, err := tlc.Output(cmd, &said)
	if err != nil {
		return nil, err
	}
	if out.Kind != tlc.Holds || len(out.Warnings) > 0 {
		return nil, fmt.Errorf("TLC says %s %s: %s %v", out.Kind, out.Where, out.Text, out.Warnings)
	}
	return said.Bytes(), nil
}

// verdictTag is the first word of a verdict, which is printed as a string.
const verdictTag = "omega-trace "

// verdictText returns the value that a line prints behind the tag.
func verdictText(line string) (text string, ok bool) {
	if !strings.HasPrefix(line, `"`+verdictTag) {
		return "", false
	}
	v, err := tlavalue.Parse(line)
	if s, isString := v.(tlavalue.String); err == nil && isString {
		return strings.CutPrefix(string(s), verdictTag)
	}
	return "", false
}

// readVerdicts reads the verdicts, of which each trace must have one.
func readVerdicts(said []byte, traces []*Trace) ([]Verdict, error) {
	found := make([]Verdict, len(traces))
	judged := make([]bool, len(traces))
	for line := range strings.Lines(string(said)) {
		text, ok := verdictText(line)
		if !ok {
			continue
		}
		v, err := tlavalue.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		i, verdict, err := readVerdict(v)
		if err != nil {
			return nil, err
		}
		if i < 0 || i >= len(traces) || judged[i] || verdict.Event >= len(traces[i].Events) {
			return nil, fmt.Errorf("TLC gives no such verdict once: %s", line)
		}
		found[i], judged[i] = verdict, true
	}
	if i := slices.Index(judged, false); i >= 0 {
		return nil, fmt.Errorf("%s: TLC gives no verdict", traces[i].Name)
	}
	return found, nil
}

var errVerdict = errors.New("no verdict")

// readVerdict reads <<trace, <<"accepted">> >> or
// <<trace, <<"rejected", event, what, the model, the code>> >>.
func readVerdict(v tlavalue.Value) (int, Verdict, error) {
	outer, ok := v.(tlavalue.Seq)
	if !ok || len(outer) != 2 {
		return 0, Verdict{}, fmt.Errorf("%w: %v", errVerdict, v)
	}
	trace, isInt := outer[0].(tlavalue.Int)
	parts, isSeq := outer[1].(tlavalue.Seq)
	if !isInt || !isSeq {
		return 0, Verdict{}, fmt.Errorf("%w: %v", errVerdict, v)
	}
	switch {
	case len(parts) == 1 && parts[0] == tlavalue.Value(tlavalue.String("accepted")):
		return int(trace) - 1, Verdict{Accepted: true}, nil
	case len(parts) == 5 && parts[0] == tlavalue.Value(tlavalue.String("rejected")):
		event, isInt := parts[1].(tlavalue.Int)
		what, isString := parts[2].(tlavalue.String)
		if isInt && isString && event > 0 {
			return int(trace) - 1, Verdict{Event: int(event) - 1, What: string(what), Model: parts[3], Code: parts[4]}, nil
		}
	}
	return 0, Verdict{}, fmt.Errorf("%w: %v", errVerdict, v)
}
