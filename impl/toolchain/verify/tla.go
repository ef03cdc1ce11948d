package verify

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

// minNegatives is how many models there are at least that must be found wrong.
const minNegatives = 12

// tlaMemoryMB lets two runs of TLC go on side by side, or one large one.
const tlaMemoryMB = 2816

func tlaFile(name string) bool {
	ext := path.Ext(name)
	return path.Dir(name) == tlc.Folder && (ext == ".tla" || ext == ".cfg")
}

// runTLA runs TLC on every configuration, the large ones where t.deep is set.
func runTLA(ctx context.Context, t *task) outcome {
	configs, err := tlc.Load(t.root)
	problems := messages(err)
	program, err := tlc.Open(ctx)
	if err != nil {
		return outcome{problems: append(problems, err.Error())}
	}
	configs = slices.DeleteFunc(configs, func(c *tlc.Config) bool { return c.Run == tlc.Large && !t.deep })
	results := t.runModels(ctx, program, configs)
	counts := countModels(configs, results)
	for _, res := range results {
		if res.Verdict == Fail {
			problems = append(problems, res.Message)
		}
	}
	if counts["models"] == 0 {
		problems = append(problems, tlc.Folder+": no model has been checked")
	}
	if n := counts["negatives"]; n < minNegatives {
		problems = append(problems, fmt.Sprintf("%s: %.0f negative models; at least %d are wanted", tlc.Folder, n, minNegatives))
	}
	return outcome{counts: counts, varying: []string{"remembered"}, problems: problems, message: tlaMessage(counts)}
}

func tlaMessage(counts map[string]float64) string {
	message := fmt.Sprintf("%.0f models hold: %.0f properties, %.0f states, %.0f actions fired, %.0f predicates reached; %.0f negative models violate what they must",
		counts["models"], counts["properties"], counts["states"], counts["actions"], counts["reached"], counts["negatives"])
	if n := counts["large"]; n > 0 {
		message = fmt.Sprintf("deep, %.0f of them large; %s", n, message)
	}
	if n := counts["remembered"]; n > 0 {
		message += fmt.Sprintf("; %.0f runs remembered", n)
	}
	return message
}

// messages returns the messages of the errors that err joins.
func messages(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, messages(e)...)
		}
		return all
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// runModels runs the configurations, those with most states first, and as many at
// a time as there are processors and memory for; a large one runs alone, on all
// processors. It returns a result for each.
func (t *task) runModels(ctx context.Context, program tlc.Program, configs []*tlc.Config) []Result {
	order := slices.Clone(configs)
	slices.SortStableFunc(order, func(a, b *tlc.Config) int { return int(b.Distinct - a.Distinct) })
	results := make([]Result, len(configs))
	room := newRoom(t.memoryMB, runtime.NumCPU())
	var done progress
	var wg sync.WaitGroup
	for _, c := range order {
		room.enter(c.MemoryMB())
		wg.Go(func() {
			defer room.leave(c.MemoryMB())
			workers := 1
			if c.Run == tlc.Large {
				workers = runtime.NumCPU()
			}
			res := t.part(ctx, program, c, func() Result { return checkModel(ctx, program, c, workers) })
			results[slices.Index(configs, c)] = res
			fmt.Fprintf(t.log, "verify: tla: %s: %s in %.1f s%s (%d of %d)\n", c.Name, res.Verdict, res.Seconds, remark(res), done.next(), len(configs))
		})
	}
	wg.Wait()
	return results
}

func remark(res Result) string {
	if res.Cached {
		return ", remembered"
	}
	return ""
}

// progress counts what is done.
type progress struct {
	mu sync.Mutex
	n  int
}

func (p *progress) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	return p.n
}

// part runs one part of a layer unless it has passed before with the same model,
// TLC and code that judges it.
func (t *task) part(ctx context.Context, program tlc.Program, c *tlc.Config, run func() Result, more ...string) Result {
	start := time.Now()
	name := "tla-" + c.Name
	key, err := program.Key(c, more...)
	if err != nil {
		return failed(name, start, err)
	}
	if t.reuse {
		if res, _, ok := t.parts.load(name, key); ok {
			res.Cached, res.Seconds = true, since(start)
			return res
		}
	}
	res := run()
	res.Name, res.Seconds = name, since(start)
	if res.Verdict == Pass && ctx.Err() == nil {
		if err := t.parts.store(name, key, res, nil); err != nil {
			fmt.Fprintf(t.log, "verify: %s: this cannot be remembered: %v\n", name, err)
		}
	}
	return res
}

// checkModel runs TLC on one configuration and judges what comes out.
func checkModel(ctx context.Context, program tlc.Program, c *tlc.Config, workers int) Result {
	out, err := program.Check(ctx, c, workers)
	if err != nil {
		return Result{Verdict: Fail, Message: fmt.Sprintf("%s: %v", c.Path, err)}
	}
	if problems := c.Judge(out); len(problems) > 0 {
		return Result{Verdict: Fail, Message: strings.Join(problems, "\n")}
	}
	return Result{Verdict: Pass, Counts: map[string]float64{
		"states": float64(out.Distinct), "actions": float64(out.Fired()), "reached": float64(len(c.Reach)),
	}}
}

// countModels adds up what the configurations that passed have shown.
func countModels(configs []*tlc.Config, results []Result) map[string]float64 {
	counts := map[string]float64{
		"models": 0, "large": 0, "negatives": 0, "properties": 0, "states": 0, "actions": 0, "reached": 0, "remembered": 0, "failed": 0,
	}
	properties := map[string]bool{}
	for i, c := range configs {
		res := results[i]
		if res.Cached {
			counts["remembered"]++
		}
		switch {
		case res.Verdict != Pass:
			counts["failed"]++
		case c.Run == tlc.Negative:
			counts["negatives"]++
		default:
			counts["models"]++
			if c.Run == tlc.Large {
				counts["large"]++
			}
			for _, name := range c.Properties() {
				properties[name] = true
			}
			for _, count := range []string{"states", "actions", "reached"} {
				counts[count] += res.Counts[count]
			}
		}
	}
	counts["properties"] = float64(len(properties))
	return counts
}
