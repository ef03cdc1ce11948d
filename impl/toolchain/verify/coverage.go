package verify

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

// minCoverage is the share of the statements of impl/kernel, of each package and
// of all, that tests must reach, in percent. A package's own tests count alone.
const minCoverage = 95

const kernelPrefix = checkout.Module + "/impl/kernel/"

// covered counts the statements of a package.
type covered struct{ reached, all int }

// percent rounds down: 94.99 is not 95.
func (c covered) percent() float64 {
	if c.all == 0 {
		return 100
	}
	return math.Floor(float64(c.reached)*1000/float64(c.all)) / 10
}

// kernelCoverage reads a cover profile and returns, for each package of
// impl/kernel, the statements that its tests reach.
func kernelCoverage(profile string) (map[string]covered, error) {
	b, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	packages := map[string]covered{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		file, rest, ok := strings.Cut(line, ":")
		if !ok || file == "mode" {
			continue
		}
		// file.go:1.2,3.4 statements times
		fields := strings.Fields(rest)
		if len(fields) != 3 {
			return nil, fmt.Errorf("coverage profile: %q", line)
		}
		statements, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("coverage profile: %q: %w", line, err)
		}
		if !strings.HasPrefix(file, kernelPrefix) {
			continue
		}
		name := path.Dir(strings.TrimPrefix(file, kernelPrefix))
		c := packages[name]
		c.all += statements
		if fields[2] != "0" {
			c.reached += statements
		}
		packages[name] = c
	}
	return packages, nil
}

// judgeCoverage adds the coverage to counts, in percent, and returns a problem
// for each package below minCoverage, and for all of them together.
func judgeCoverage(packages map[string]covered, counts map[string]float64) []string {
	if len(packages) == 0 {
		return []string{"impl/kernel: no coverage was measured"}
	}
	var problems []string
	var all covered
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		c := packages[name]
		all.reached, all.all = all.reached+c.reached, all.all+c.all
		counts["coverage_"+name+"_percent"] = c.percent()
		if c.percent() < minCoverage {
			problems = append(problems, lowCoverage("impl/kernel/"+name, c))
		}
	}
	counts["coverage_kernel_percent"] = all.percent()
	if all.percent() < minCoverage {
		problems = append(problems, lowCoverage("impl/kernel", all))
	}
	return problems
}

func lowCoverage(name string, c covered) string {
	return fmt.Sprintf("%s: tests reach %.1f %% of the statements, %d of %d; at least %d %% are wanted",
		name, c.percent(), c.reached, c.all, minCoverage)
}
