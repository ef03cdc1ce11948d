// Package importer holds what the importers of other systems' histories share: the
// folder of sections that each writes, and the cutting of such a folder into
// batches.
//
// An imported folder holds, and holds nothing else (clause IMP-1):
//
//	names.tsv             who wrote which section
//	0001-ada-lovelace.omega
//	0002-bob.omega        one section a writer, strictly increasing by key
//
// A section's name is the writer's node id, in decimal with leading zeros to four
// digits, or to as many as the largest id of the folder needs; "-"; the slug of
// the writer's name; ".omega" (IMP-2). The slug is made of the name's ASCII
// letters and digits, letters in lower case; each run of other bytes between them
// is one "-"; it ends after 40 bytes, without a "-" at its end, and is "unnamed"
// where nothing is left.
//
// names.tsv is a table of lines, each ended by a line feed, its fields parted by
// tabs (IMP-3). The first line names the columns:
//
//	node	file	events	name	email	other
//
// Then comes one line a writer, by node id: the id and the number of events in
// decimal, the writer's name and e-mail, and from the sixth field on other
// spellings of the two, one a field, in byte order. In a field a backslash stands
// as `\\`, and each byte of a control character (U+0000 to U+001F, U+007F to
// U+009F) and each byte that is no UTF-8 as `\x` and two lower-case hex digits. A
// line of such a table:
//
//	2	0002-bob.omega	17	Bob	bob@example.org	B. <bob@example.org>
//
// An import is complete or absent: it is written into a folder beside the output,
// which is renamed when it is done (IMP-4). A process that is killed can leave
// that folder, .NAME.tmp-DIGITS, behind; it is safe to delete.
//
// Cut chooses Lamport times that part a folder into batches of about equal size,
// and Split writes the batches: batch b holds, of each section, the events with
// bounds[b-1] < lamport <= bounds[b], in their order and byte for byte, as a
// section of the same name and header (IMP-5). A dep has a smaller Lamport time
// than its event, so each batch depends on itself and earlier ones alone.
package importer

import (
	"fmt"
	"strconv"
)

// Extension ends the name of every section's file (IMP-2).
const Extension = ".omega"

const slugSize = 40

// SectionFile returns the file name of the section of a node, called name, in a
// folder whose largest node id is maxNode (IMP-2).
func SectionFile(node, maxNode uint32, name string) string {
	width := max(4, len(strconv.FormatUint(uint64(maxNode), 10)))
	return fmt.Sprintf("%0*d-%s%s", width, node, slug(name), Extension)
}

func slug(name string) string {
	var b []byte
	gap := false
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			gap = len(b) > 0
			continue
		}
		if gap {
			b = append(b, '-')
			gap = false
		}
		b = append(b, c)
	}
	if len(b) > slugSize {
		b = b[:slugSize]
	}
	if n := len(b); n > 0 && b[n-1] == '-' {
		b = b[:n-1]
	}
	if len(b) == 0 {
		return "unnamed"
	}
	return string(b)
}
