package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

// The bounds of a corpus: fewer edges show little, more are too slow to replay.
const (
	minEdges       = 20_000
	maxEdges       = 200_000
	maxCorpusBytes = 20 << 20
)

// corpusMemoryMB is a run of TLC and the graph beside it.
const corpusMemoryMB = 2432

// howToRegenerate is how a corpus is made again.
const howToRegenerate = "after a deliberate change of the model: go run ./conformance/corpus/generate"

func corpusFile(name string) bool {
	return tlaFile(name) || strings.HasPrefix(name, tlc.CorpusFolder+"/")
}

// runCorpus makes the corpus of each graph configuration and compares it with the
// committed one.
func runCorpus(ctx context.Context, t *task) outcome {
	configs, _ := tlc.Load(t.root) // what is wrong there is for the layer tla to say
	configs = slices.DeleteFunc(configs, func(c *tlc.Config) bool { return c.Run != tlc.Graph })
	if len(configs) == 0 {
		return outcome{problems: []string{tlc.Folder + ": there is no graph configuration"}}
	}
	program, err := tlc.Open(ctx)
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	out := outcome{counts: map[string]float64{"corpora": 0, "states": 0, "edges": 0, "actions": 0, "bytes": 0}}
	for _, c := range configs {
		res := t.corpus(ctx, program, c)
		if res.Verdict == Fail {
			out.problems = append(out.problems, res.Message)
			continue
		}
		out.counts["corpora"]++
		for name, n := range res.Counts {
			out.counts[name] += n
		}
		fmt.Fprintf(t.log, "verify: corpus: %s in %.1f s%s\n", c.CorpusPath(), res.Seconds, remark(res))
	}
	out.problems = append(out.problems, strays(t, configs)...)
	out.message = fmt.Sprintf("%.0f corpora as TLC makes them: %.0f states, %.0f edges, %.0f actions, %.0f bytes",
		out.counts["corpora"], out.counts["states"], out.counts["edges"], out.counts["actions"], out.counts["bytes"])
	return out
}

// strays finds corpora that no configuration makes.
func strays(t *task, configs []*tlc.Config) []string {
	var problems []string
	for _, file := range t.files {
		name := filepath.ToSlash(file)
		isCorpus := strings.HasPrefix(name, tlc.CorpusFolder+"/") && strings.HasSuffix(name, tlc.CorpusSuffix)
		if isCorpus && !slices.ContainsFunc(configs, func(c *tlc.Config) bool { return c.CorpusPath() == name }) {
			problems = append(problems, name+": no graph configuration makes this corpus")
		}
	}
	return problems
}

// corpus compares one corpus, unless that has been done with the same model, TLC,
// code and file.
func (t *task) corpus(ctx context.Context, program tlc.Program, c *tlc.Config) Result {
	path := filepath.Join(t.root, c.CorpusPath())
	hash, err := files.Hash(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Result{Verdict: Fail, Message: err.Error()}
	}
	return t.part(ctx, program, c, func() Result {
		counts, err := compareCorpus(ctx, program, c, path)
		if err != nil {
			return Result{Verdict: Fail, Message: err.Error()}
		}
		return Result{Verdict: Pass, Counts: counts}
	}, "corpus", hash)
}

// compareCorpus returns what is in the corpus at path, or why it is not that of c.
func compareCorpus(ctx context.Context, program tlc.Program, c *tlc.Config, path string) (map[string]float64, error) {
	made, err := program.Corpus(ctx, c)
	if err != nil {
		return nil, err
	}
	want, size, err := readCorpus(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", c.CorpusPath(), err, howToRegenerate)
	}
	if difference := corpus.Difference(made, want); difference != "" {
		return nil, fmt.Errorf("%s: %s\n%s", c.CorpusPath(), difference, howToRegenerate)
	}
	return judgeCorpus(c, made, size)
}

func readCorpus(path string) (*corpus.Corpus, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	c, err := corpus.Read(f)
	return c, info.Size(), err
}

// judgeCorpus counts what is in the corpus and holds it to the bounds.
func judgeCorpus(c *tlc.Config, made *corpus.Corpus, size int64) (map[string]float64, error) {
	n := len(made.Edges)
	switch {
	case n < minEdges || n > maxEdges:
		return nil, fmt.Errorf("%s: %d edges; want %d to %d: change the bounds of %s", c.CorpusPath(), n, minEdges, maxEdges, c.Path)
	case size > maxCorpusBytes:
		return nil, fmt.Errorf("%s: %d bytes; at most %d are wanted", c.CorpusPath(), size, maxCorpusBytes)
	}
	return map[string]float64{
		"states": float64(len(made.States)), "edges": float64(n), "actions": float64(len(made.Names())), "bytes": float64(size),
	}, nil
}
