package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// childReport is what one process that reconciles says of itself.
type childReport struct {
	Events  uint64
	Seconds float64 // the median of its turns
	Memory  int64   // bytes of its own: the most that it held in pages of no file
}

// reconcileInChild reconciles the sections in dir several times and prints a
// childReport.
func reconcileInChild(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.omega"))
	if err != nil {
		return err
	}
	f, err := openAll(paths)
	if err != nil {
		return err
	}
	defer f.close()
	peak := watchMemory()
	var report childReport
	var seconds []float64
	for range 3 {
		start := time.Now()
		result, err := reconcile(f)
		if err != nil {
			return err
		}
		seconds = append(seconds, time.Since(start).Seconds())
		report.Events = result.Events
	}
	slices.Sort(seconds)
	report.Seconds, report.Memory = seconds[len(seconds)/2], peak()
	return json.NewEncoder(os.Stdout).Encode(report)
}

// watchMemory looks every few milliseconds at how much memory of no file the
// process holds. The function that it returns ends that and tells the most.
func watchMemory() (peak func() int64) {
	var most atomic.Int64
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			most.Store(max(most.Load(), anonymousMemory()))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		return most.Load()
	}
}

// anonymousMemory returns the bytes of RssAnon and RssShmem of the process; what
// it has mapped from files does not count.
func anonymousMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return math.MaxInt64 // unknown is too much
	}
	var total int64
	for line := range strings.Lines(string(status)) {
		var kB int64
		if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &kB); n == 1 {
			total += kB << 10
		} else if n, _ := fmt.Sscanf(line, "RssShmem: %d kB", &kB); n == 1 {
			total += kB << 10
		}
	}
	return total
}

// runChild reconciles the sections in dir in a process of its own.
func runChild(dir string) (report childReport, err error) {
	self, err := os.Executable()
	if err != nil {
		return report, err
	}
	command := exec.Command(self, "-child", dir)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return report, err
	}
	return report, json.Unmarshal(out, &report)
}

// measureSizes has a process for each of sizes take turns, and returns what they
// report by size, then turn.
func measureSizes(dir string, sizes []int, turns int) ([][]childReport, error) {
	reports := make([][]childReport, len(sizes))
	folder := func(i int) string { return filepath.Join(dir, fmt.Sprint(sizes[i])) }
	for i, events := range sizes {
		if err := os.Mkdir(folder(i), 0o755); err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder(i))
		if _, err := writeSections(folder(i), events); err != nil {
			return nil, err
		}
	}
	for range turns {
		for i, events := range sizes {
			report, err := runChild(folder(i))
			if err != nil {
				return nil, err
			}
			if report.Events != uint64(events) {
				return nil, fmt.Errorf("%d events reconciled, want %d", report.Events, events)
			}
			reports[i] = append(reports[i], report)
		}
	}
	return reports, nil
}

// printCurve tells the median turn of each size.
func printCurve(reports [][]childReport) {
	for _, turns := range reports {
		sorted := slices.SortedFunc(slices.Values(turns), func(a, b childReport) int {
			return cmp.Compare(a.Seconds, b.Seconds)
		})
		r := sorted[len(sorted)/2]
		fmt.Printf("reconcile of %9d events: %8.1f ms, %6.1f ns an event, %6.1f MB of own memory\n", r.Events,
			r.Seconds*1e3, r.Seconds*1e9/float64(r.Events), float64(r.Memory)/1e6)
	}
}

func benchSize(dir string, short bool) ([]row, error) {
	sizes := []int{100_000, 300_000, 1_000_000, 3_000_000, 10_000_000}
	if short {
		sizes = []int{10_000, 100_000, 1_000_000}
	}
	reports, err := measureSizes(dir, sizes, 3)
	if err != nil {
		return nil, err
	}
	printCurve(reports)
	nLogN := func(n uint64) float64 { return float64(n) * math.Log2(float64(n)) }
	least, most := reports[0], reports[len(reports)-1]
	growth := row{
		name: "reconcile, growth", bound: 1, atMost: true,
		compares: fmt.Sprintf("growth of the time / of n log n, from %d to %d events", least[0].Events, most[0].Events),
	}
	memory := row{
		name: "reconcile, memory", bound: 1, atMost: true,
		compares: fmt.Sprintf("own memory beyond mapped pages, of %d events / 512 MB", most[0].Events),
	}
	for turn := range most {
		a, b := least[turn], most[turn]
		growth.ratios = append(growth.ratios, b.Seconds/a.Seconds/(nLogN(b.Events)/nLogN(a.Events)))
		memory.ratios = append(memory.ratios, float64(b.Memory)/512e6)
	}
	return []row{growth, memory}, nil
}
