package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// app is one run of the program: its streams, and how its command ended.
type app struct {
	*streams
	end error // what the command returned; nil where none ran
	ran bool

	stdin *bufio.Reader
	stop  <-chan struct{} // closed when a signal has come
}

// action is what a command does: it returns its result, the error that gives
// the exit status, or both.
type action func(ctx context.Context, args []string) (result, error)

// run runs the command line and returns the exit status.
func run(args []string, out, err io.Writer) int {
	ctx, signals := watchSignals()
	a := &app{streams: newStreams(out, err, asksForJSON(args)), stdin: bufio.NewReader(os.Stdin), stop: ctx.Done()}
	defer signals.stop()
	root := newRoot(a)
	root.SetArgs(args)
	fault := root.ExecuteContext(ctx)
	if a.ran {
		fault = a.end
	} else if fault != nil {
		fault = usageFault(fault)
	}
	if sig := signals.got(); sig != 0 && fault != nil {
		fault = &exitError{status: statusSignal + int(sig), Kind: kindInterrupted, Message: "interrupted by " + unix.SignalName(sig)}
	}
	if fault == nil {
		return statusHolds
	}
	e := asExit(fault)
	if !e.told {
		a.fail(e)
	}
	return e.status
}

// asksForJSON finds --json before the flags are parsed, so that a mistake in
// them is told as JSON too.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// usageFault turns what the flag parser says into one line with where to look.
func usageFault(err error) error {
	var e *exitError
	if errors.As(err, &e) {
		return e
	}
	lines := strings.Fields(err.Error())
	return usage("%s (try --help)", strings.Join(lines, " "))
}

// signalWatch remembers the signal that ended the work.
type signalWatch struct {
	stop context.CancelFunc
	seen chan syscall.Signal
}

// watchSignals returns a context that SIGINT or SIGTERM cancels. A second
// signal kills the process as if nobody watched.
func watchSignals() (context.Context, *signalWatch) {
	ctx, cancel := context.WithCancel(context.Background())
	raw := make(chan os.Signal, 1)
	seen := make(chan syscall.Signal, 1)
	signal.Notify(raw, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case sig := <-raw:
			signal.Stop(raw)
			seen <- sig.(syscall.Signal)
			cancel()
		case <-ctx.Done():
			signal.Stop(raw)
		}
	}()
	return ctx, &signalWatch{stop: cancel, seen: seen}
}

func (s *signalWatch) got() syscall.Signal {
	select {
	case sig := <-s.seen:
		return sig
	default:
		return 0
	}
}

const rootLong = `OMEGA turns the logs of several parties into one certified history.

Each party's log is a section: a .omega file of framed events. Sections are glued
into one trace in canonical order, or refused with an obstruction that names the
frames in conflict. Each glued batch becomes a certificate that all members sign,
chained to the one before, and anyone can check the chain again from raw bytes.

Every command prints text for people, or with --json exactly one object.

` + statusHelp

const statusHelp = `Exit status: 0 it holds; 1 the answer is no; 2 wrong usage; 3 something that is
needed is missing (a file, a key, a tool); 130 or 143 interrupted.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "omega-check",
		Short:         "One certified history from the logs of several parties",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			return usage("a command is missing (try --help)")
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().Bool("json", false, "print exactly one JSON object to stdout")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp(a))
	writeHelp := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if !a.json {
			writeHelp(c, args)
			return
		}
		a.ran, a.end = true, a.print(helpResult{OK: true, Command: c.CommandPath(), Help: c.Long + "\n\n" + c.UsageString()})
	})
	root.AddCommand(commands(a)...)
	return root
}

// commands returns all commands of the program.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newInit(a), newImport(a), newSign(a), newIngest(a), newReconcile(a), newCertify(a), newAudit(a), newExplain(a),
		newKeys(a), newDoctor(a), newDemo(a), newVerify(a), newCheckEvidence(a),
		newNode(a), newCluster(a), newPublish(a), newWatch(a),
		newVersion(a), newCompletion(a), newMan(a),
	}
}

// runs gives the command c its action: the result is printed, and the error
// kept for the exit status. Where reads is true the action changes nothing on
// disk, and a signal ends it at once; else it is told through its context, and
// ends when what it has begun is whole.
func (a *app) runs(c *cobra.Command, reads bool, do action) *cobra.Command {
	if c.Args == nil {
		c.Args = noArguments
	}
	c.Long += "\n\n" + statusHelp
	c.RunE = func(c *cobra.Command, args []string) error {
		a.ran = true
		var r result
		if reads {
			r, a.end = abandonable(c.Context(), args, do)
		} else {
			r, a.end = do(c.Context(), args)
		}
		if r != nil {
			if err := a.print(r); err != nil {
				a.end = err
			}
		}
		return nil
	}
	return c
}

// noArguments refuses what stands behind the flags, and says how it is meant.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.Flags().Lookup("input") != nil {
		return usage("%q stands alone: each file has its own --input", args[0])
	}
	return usage("%s takes no argument, got %q (try --help)", c.CommandPath(), args[0])
}

// abandonable runs do and leaves it behind when ctx is done.
func abandonable(ctx context.Context, args []string, do action) (result, error) {
	type ending struct {
		r   result
		err error
	}
	ended := make(chan ending, 1)
	go func() {
		r, err := do(ctx, args)
		ended <- ending{r, err}
	}()
	select {
	case e := <-ended:
		return e.r, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// group is a command that only holds others.
func group(use, short, long string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long}
	c.AddCommand(children...)
	var names []string
	for _, child := range children {
		names = append(names, child.Name())
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("%s has no command %q: it has %s", c.CommandPath(), args[0], strings.Join(names, ", "))
		}
		return usage("%s needs a command: %s (try --help)", c.CommandPath(), strings.Join(names, ", "))
	}
	return c
}

// must stops the program on a mistake in the set-up of a command.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("omega-check: %v", err))
	}
}

// helpResult is the help text as JSON.
type helpResult struct {
	OK      bool   `json:"ok"`
	Command string `json:"command"`
	Help    string `json:"help"`
}

func (h helpResult) text(t *text) { t.line("%s", h.Help) }

func newHelp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about a command",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(c *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
			at, _, err := c.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, child := range at.Commands() {
				if child.IsAvailableCommand() && strings.HasPrefix(child.Name(), start) {
					names = append(names, child.Name()+"\t"+child.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("there is no command %q (try --help)", strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
