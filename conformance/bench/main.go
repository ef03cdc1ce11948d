// Command bench measures what the kernel's speed is held to, as ratios to a peer
// that is measured in the same run, and prints one table. It exits with status 1
// if a ratio misses its bound.
//
//	go run ./conformance/bench          the sizes that the bounds are about
//	go run ./conformance/bench -short   a tenth of them or less, in a minute
//	go run ./conformance/bench -only scan,reconcile
//
// Peer and subject take turns, so that whatever else the machine does strikes
// both, and the median of the turns' ratios counts. All files are in the page
// cache and mapped before a clock runs. A machine with less than two cores
// cannot pass the rows that are about two.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// A row of the table: a ratio, what it compares, and its bound.
type row struct {
	name     string
	compares string // what is divided by what
	ratios   []float64
	bound    float64
	atMost   bool // the bound is an upper one
}

func (r *row) median() float64 {
	sorted := slices.Sorted(slices.Values(r.ratios))
	return sorted[len(sorted)/2]
}

func (r *row) holds() bool {
	if r.atMost {
		return r.median() <= r.bound
	}
	return r.median() >= r.bound
}

// A suite measures some rows with files of its own in dir.
type suite struct {
	name string
	run  func(dir string, short bool) ([]row, error)
}

var suites = []suite{
	{"scan", benchScan}, {"order", benchOrder}, {"root", benchRoot}, {"reconcile", benchReconcile}, {"size", benchSize},
	{"import", benchImport}, {"latency", benchLatency}, {"events", benchEvents}, {"catchup", benchCatchUp},
}

var errMissed = errors.New("a ratio misses its bound")

func main() {
	short := flag.Bool("short", false, "measure smaller sizes")
	only := flag.String("only", "", "measure only these, by name with commas between")
	child := flag.String("child", "", "used by bench itself: reconcile the sections in this folder and print what it took")
	flag.Parse()
	var err error
	if *child != "" {
		err = reconcileInChild(*child)
	} else {
		err = run(os.Stdout, *short, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, short bool, only string) error {
	dir, err := os.MkdirTemp("", "omega-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(out, "%s/%s, %d cores, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	var rows []row
	for _, s := range suites {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		found, err := s.run(dir, short)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, found...)
		runtime.GC()
	}
	return print(out, rows)
}

// print writes the table. The error is errMissed if a row does not hold.
func print(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tmeasured\tfrom\tto\tbound\tverdict\tcompares")
	var err error
	for _, r := range rows {
		verdict, relation := "holds", "at least"
		if r.atMost {
			relation = "at most"
		}
		if !r.holds() {
			verdict, err = "MISSED", errMissed
		}
		fmt.Fprintf(w, "%s\t%.3g\t%.3g\t%.3g\t%s %g\t%s\t%s\n", r.name, r.median(),
			slices.Min(r.ratios), slices.Max(r.ratios), relation, r.bound, verdict, r.compares)
	}
	w.Flush()
	return err
}
