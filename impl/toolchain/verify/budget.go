package verify

import "time"

// budgets are what the layers may take on two cores with an empty cache. They
// are told beside the times; a layer that takes longer does not fail for it.
// CONTRIBUTING.md has the same table.
var budgets = map[string]time.Duration{
	"go":     10 * time.Minute,
	"static": 3 * time.Minute,
	"arch":   5 * time.Minute,
	"lean":   18 * time.Minute,
	"tla":    6 * time.Minute,
	"corpus": 4 * time.Minute,

	"replay":  2 * time.Minute,
	"traces":  4 * time.Minute,
	"vectors": 4 * time.Minute,
	"linear":  3 * time.Minute,
	"sim":     3 * time.Minute,
	"stutter": 2 * time.Minute,
	"faults":  4 * time.Minute,
	"mutants": 4 * time.Minute,
	"ledger":  1 * time.Minute,
}
