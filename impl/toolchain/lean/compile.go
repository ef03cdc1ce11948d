package lean

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// endings are those of the files that Lean writes for a module beside its .olean.
var endings = []string{".olean", ".olean.private", ".olean.server", ".ir"}

// diagnostic is a line of Lean that says where something is refused.
var diagnostic = regexp.MustCompile(`(?m)^\S+\.lean:\d+:\d+: error`)

// everyError has Lean go on behind its first 100 errors: a source of many vectors is
// judged to its end.
const everyError = "-DmaxErrors=1000000"

// compile runs Lean on the file at path of the working folder; with keep, it
// returns the compiled module too. An error means that Lean gave no verdict.
func (r *run) compile(ctx context.Context, path string, keep bool) (product, error) {
	file := filepath.Join(r.dir, filepath.FromSlash(path))
	base := strings.TrimSuffix(file, ".lean")
	args := []string{"-DwarningAsError=true", everyError, "--root=" + r.dir}
	if keep {
		args = append(args, "-o", base+".olean")
	}
	out, err := r.opts.Compiler.Command(ctx, r.dir, []string{r.dir}, append(args, file)...).CombinedOutput()
	p := product{Output: strings.ReplaceAll(r.opts.Compiler.Filter(string(out)), r.dir+string(filepath.Separator), "formal/")}
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return p, ctx.Err()
	case err != nil && !(exited && diagnostic.MatchString(p.Output)):
		return p, fmt.Errorf("formal/%s:1: Lean ends without a verdict: %w\n%s", path, err, excerpt(p.Output))
	case err != nil:
		p.Failed = true
		return p, nil
	case !keep:
		return p, nil
	}
	p.Files, err = readProduct(base)
	return p, err
}

// verdict returns what Lean says of source, at path of the working folder, which
// depends on parts and on Lean alone; where that is stored, from the store.
func (r *run) verdict(ctx context.Context, what, path, source string, parts ...string) (product, error) {
	start := time.Now()
	name := key(append([]string{what, r.opts.Identity}, parts...)...)
	if p, stored := r.store.get(name); stored {
		return p, nil
	}
	if err := r.write(path, source); err != nil {
		return product{}, err
	}
	p, err := r.compile(ctx, path, false)
	if err == nil {
		err = r.store.put(name, p)
	}
	if err == nil {
		fmt.Fprintf(r.opts.Log, "lean: %s %.0f s\n", what, time.Since(start).Seconds())
	}
	return p, err
}

// readProduct reads the files of a compiled module.
func readProduct(base string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, ending := range endings {
		b, err := os.ReadFile(base + ending)
		if errors.Is(err, os.ErrNotExist) && ending != ".olean" {
			continue // not every build of Lean writes every file
		}
		if err != nil {
			return nil, err
		}
		files[ending] = b
	}
	return files, nil
}

// maxExcerpt is how much of an output is told, in bytes.
const maxExcerpt = 3000

// excerpt returns the beginning of an output: the first errors.
func excerpt(output string) string {
	output = strings.TrimSpace(output)
	if len(output) > maxExcerpt {
		output = output[:maxExcerpt] + "\n..."
	}
	return output
}
