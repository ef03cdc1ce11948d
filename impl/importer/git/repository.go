package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/importer"
)

// repository runs git commands over one repository.
type repository struct {
	dir  string // where git runs
	args []string
	head string // the commit of HEAD in hex, "" where it has none
}

// settings keep what a repository or its user has configured away from what is
// read (IMP-6). Lazy fetching in a partial clone is off by GIT_NO_LAZY_FETCH too,
// which older git does not know.
var settings = []string{
	"--no-pager", "--no-replace-objects",
	"-c", "core.commitGraph=false",
	"-c", "core.hooksPath=" + os.DevNull,
	"-c", "protocol.allow=never",
}

// environment is the process's without git's own variables, which can point to
// another repository, and without languages.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			env = append(env, v)
		}
	}
	return append(env, "LC_ALL=C", "GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE="+os.DevNull,
		"GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
}

// open finds the repository that dir is in, lets git judge its owner, and refuses
// shallow clones.
func open(ctx context.Context, dir string) (*repository, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRepository, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is no folder", ErrNotRepository, dir)
	}
	r := &repository{dir: dir, args: settings}
	out, err := r.output(ctx, "rev-parse", "--is-shallow-repository", "--absolute-git-dir")
	if err != nil {
		return nil, err
	}
	shallow, gitDir, _ := strings.Cut(string(out), "\n")
	if shallow != "false" {
		return nil, fmt.Errorf("%w: `git fetch --unshallow` brings the rest", ErrShallow)
	}
	r.dir = strings.TrimSuffix(gitDir, "\n")
	r.args = append(r.args[:len(r.args):len(r.args)], "--git-dir="+r.dir)
	r.head, err = r.findHead(ctx)
	return r, err
}

// findHead returns the commit of HEAD, "" where HEAD names none.
func (r *repository) findHead(ctx context.Context) (string, error) {
	out, err := r.output(ctx, "rev-parse", "--verify", "--quiet", "HEAD")
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 1 {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// command prepares a git command. Its standard error goes to the second value.
func (r *repository) command(ctx context.Context, args ...string) (*exec.Cmd, *complaints) {
	c := exec.CommandContext(ctx, "git", append(r.args[:len(r.args):len(r.args)], args...)...)
	c.Dir = r.dir
	c.Env = environment()
	said := new(complaints)
	c.Stderr = said
	return c, said
}

// output runs a git command and returns what it writes. Errors: *Error, ErrNoGit,
// the context's.
func (r *repository) output(ctx context.Context, args ...string) ([]byte, error) {
	c, said := r.command(ctx, args...)
	out, err := c.Output()
	return out, failure(ctx, args[0], said, err)
}

// stream runs a git command, hands its output to read and then waits for its end.
// The command is stopped when read fails.
func (r *repository) stream(ctx context.Context, stdin io.Reader, read func(*bufio.Reader) error, args ...string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c, said := r.command(ctx, args...)
	c.Stdin = stdin
	stdout, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return failure(ctx, args[0], said, err)
	}
	readErr := read(bufio.NewReaderSize(stdout, 1<<18))
	if readErr != nil && !errors.Is(readErr, io.ErrUnexpectedEOF) {
		stop()
		c.Wait() // it was stopped, readErr says why
		return readErr
	}
	if err := failure(ctx, args[0], said, c.Wait()); err != nil {
		return err
	}
	return readErr
}

// failure makes the error of a command that ended with err.
func failure(ctx context.Context, command string, said *complaints, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: %w", ErrNoGit, err)
	}
	return &Error{Command: command, Err: err, Message: said.String()}
}

// complaints keeps the start of what a command writes to its standard error.
type complaints struct{ b []byte }

func (c *complaints) Write(p []byte) (int, error) {
	const most = 4 << 10
	c.b = append(c.b, p[:min(len(p), most-len(c.b))]...)
	return len(p), nil
}

func (c *complaints) String() string { return strings.TrimSpace(string(c.b)) }

// list returns the commits to import, parents before children, with nothing but
// their hashes (IMP-6).
func (r *repository) list(ctx context.Context, all bool) (*history, error) {
	from := []string{r.head}
	if all {
		from = []string{"--exclude=refs/replace/*", "--all"}
	} else if r.head == "" {
		return nil, fmt.Errorf("%w: HEAD names none", ErrEmpty)
	}
	var h history
	err := r.stream(ctx, nil, func(in *bufio.Reader) error {
		for {
			line, err := in.ReadSlice('\n')
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = h.add(bytes.TrimSuffix(line, []byte("\n")))
			}
			if err != nil {
				return fmt.Errorf("git rev-list: %w", err)
			}
		}
	}, append([]string{"rev-list", "--topo-order", "--reverse"}, from...)...)
	if err == nil && len(h.commits) == 0 {
		err = fmt.Errorf("%w: no ref names one", ErrEmpty)
	}
	return &h, err
}

// read reads every commit's object, in the history's order, puts its payload into
// the spool, and fills in what the history holds of it.
func (r *repository) read(ctx context.Context, h *history, out *importer.Spool, steps *steps) error {
	return r.stream(ctx, &requests{h: h}, func(in *bufio.Reader) error {
		p := newParser(h.hashSize)
		var content []byte
		for i := range h.commits {
			var err error
			if content, err = readObject(in, h.hex(i), content[:0]); err != nil {
				return err
			}
			c, err := p.parse(h.commits[i].hash[:h.hashSize], content)
			if err == nil {
				err = h.fill(i, c)
			}
			if err != nil {
				return fmt.Errorf("commit %s: %w", h.hex(i), err)
			}
			if h.commits[i].payload, err = out.Add(c.payload); err != nil {
				return err
			}
			if err := steps.step(ctx); err != nil {
				return err
			}
		}
		return out.Seal()
	}, "cat-file", "--batch", "--buffer")
}

// requests is what cat-file reads: the commits' hashes, one a line.
type requests struct {
	h    *history
	next int
}

func (q *requests) Read(p []byte) (int, error) {
	n, line := 0, 2*q.h.hashSize+1
	for ; q.next < len(q.h.commits) && n+line <= len(p); q.next++ {
		hex.Encode(p[n:], q.h.commits[q.next].hash[:q.h.hashSize])
		p[n+line-1] = '\n'
		n += line
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// maxObject is the largest commit object that is read, in bytes.
const maxObject = 64 << 20

// readObject reads the next object that cat-file writes, which must be the commit
// id, and appends its content to b.
func readObject(in *bufio.Reader, id string, b []byte) ([]byte, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return b, fmt.Errorf("commit %s: git cat-file: %w", id, io.ErrUnexpectedEOF)
	}
	line = strings.TrimSuffix(line, "\n")
	if line == id+" missing" {
		return b, fmt.Errorf("%w: commit %s", ErrMissing, id)
	}
	digits, found := strings.CutPrefix(line, id+" commit ")
	size, err := strconv.Atoi(digits)
	if !found || err != nil {
		return b, fmt.Errorf("%w: git cat-file: got %q, want commit %s", ErrCommit, line, id)
	}
	if size > maxObject {
		return b, fmt.Errorf("%w: %s has %d bytes, at most %d", ErrCommit, id, size, maxObject)
	}
	start := len(b)
	b = append(b, make([]byte, size+1)...)
	if _, err := io.ReadFull(in, b[start:]); err != nil {
		return b, fmt.Errorf("commit %s: git cat-file: %w", id, io.ErrUnexpectedEOF)
	}
	return b[:len(b)-1], nil // without the line feed that ends each object
}

// mailmap returns the mailmap in HEAD's tree, an empty one where there is none
// (IMP-12).
func (r *repository) mailmap(ctx context.Context) (mailmap, error) {
	if r.head == "" {
		return nil, nil
	}
	out, err := r.output(ctx, "ls-tree", "-z", "--full-tree", r.head, "--", ".mailmap")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(out))
	if len(fields) < 3 || !strings.HasPrefix(fields[0], "100") { // a regular file's mode
		return nil, nil
	}
	out, err = r.output(ctx, "cat-file", "blob", fields[2])
	if err != nil {
		return nil, err
	}
	return parseMailmap(string(out)), nil
}
