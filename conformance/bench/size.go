package main

import (
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
	for range 5 {
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

// runChild reconciles so many events in a process of its own.
func runChild(dir string, events int) (report childReport, err error) {
	dir = filepath.Join(dir, fmt.Sprint(events))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return report, err
	}
	defer os.RemoveAll(dir)
	if _, err := writeSections(dir, events); err != nil {
		return report, err
	}
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
	if err := json.Unmarshal(out, &report); err != nil {
		return report, err
	}
	if report.Events != uint64(events) {
		return report, fmt.Errorf("%d events reconciled, want %d", report.Events, events)
	}
	fmt.Printf("reconcile of %9d events: %8.1f ms, %6.1f ns an event, %6.1f MB of own memory\n", events,
		report.Seconds*1e3, report.Seconds*1e9/float64(events), float64(report.Memory)/1e6)
	return report, nil
}

func benchSize(dir string, short bool) ([]row, error) {
	sizes := []int{100_000, 300_000, 1_000_000, 3_000_000, 10_000_000}
	if short {
		sizes = []int{10_000, 100_000, 1_000_000}
	}
	var reports []childReport
	for _, events := range sizes {
		report, err := runChild(dir, events)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	first, last := reports[0], reports[len(reports)-1]
	nLogN := func(n uint64) float64 { return float64(n) * math.Log2(float64(n)) }
	return []row{
		{
			name: "reconcile, growth", bound: 1, atMost: true,
			compares: fmt.Sprintf("growth of the time / of n log n, from %d to %d events", first.Events, last.Events),
			ratios:   []float64{last.Seconds / first.Seconds / (nLogN(last.Events) / nLogN(first.Events))},
		},
		{
			name: "reconcile, memory", bound: 1, atMost: true,
			compares: fmt.Sprintf("own memory beyond mapped pages, of %d events / 512 MB", last.Events),
			ratios:   []float64{float64(last.Memory) / 512e6},
		},
	}, nil
}
