// Package layer is what the tests that are layers of `omega-check verify` tell it.
//
// A layer such as replay is a package of tests, conformance/replay, that verify
// runs with go test. It passes where they all do, and shows what they have counted:
//
//	func TestEveryEdgeIsAStepOfTheCode(t *testing.T) {
//		...
//		layer.Count(t, "edges", edges)
//	}
package layer

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// Varying is what the key of an attribute begins with whose number differs from run
// to run.
const Varying = "varying."

// Measure is Count of a number that differs from run to run over the same files:
// no evidence of a verification has it.
func Measure(t testing.TB, name string, n int) { t.Attr(Varying+name, strconv.Itoa(n)) }

// Mutants is the environment variable that `verify --mutants` sets to 1.
const Mutants = "OMEGA_MUTANTS"

// Deep is the environment variable that `verify --deep` sets to 1.
const Deep = "OMEGA_DEEP"

// Count tells verify a number of the layer's, in the table at its end, the same in
// every run over the same files. One name is counted once in a package.
func Count(t testing.TB, name string, n int) { t.Attr(name, strconv.Itoa(n)) }

// List is what the key of an attribute begins with that is a list of names.
const List = "list."

// Names tells verify names of the layer's, none with a space in it, such as those of
// the mutants killed.
func Names(t testing.TB, list string, names []string) { t.Attr(List+list, strings.Join(names, " ")) }

// Runs returns how many runs to make: quick ones, or deep ones under verify --deep.
func Runs(quick, deep int) int {
	if os.Getenv(Deep) == "1" {
		return deep
	}
	return quick
}
