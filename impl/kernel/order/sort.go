package order

import (
	"cmp"
	"slices"
)

// Sort brings entries into canonical order (ORD-1, ORD-3) and returns them. The
// result lies in entries or in scratch, and what the other then holds is
// undefined. scratch must not overlap entries; where it is shorter than
// entries, Sort makes one of its own. It works with up to the given number of
// workers, at least one; the result does not depend on it. Each entry's Lamport
// must be that of its key.
func Sort(entries []Entry, src Sources, scratch []Entry, workers int) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(src.Key(a.Ref).Compare(src.Key(b.Ref)), cmp.Compare(a.Ref, b.Ref))
	})
	return entries
}
