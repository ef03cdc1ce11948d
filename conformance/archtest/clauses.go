package archtest

import (
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	clauseID = regexp.MustCompile(`\b([A-Z]{3})-([0-9]+)\b`)
	// A clause begins a paragraph of spec/: its id, bold, with a full stop.
	definition = regexp.MustCompile(`(?m)^\*\*([A-Z]{3}-[0-9]+)\.\*\*`)
	isSpec     = regexp.MustCompile(`^spec/[^/]+\.md$`)
	namesIDs   = regexp.MustCompile(`\.(go|py|md)$`)
)

// others look like clauses and are none: algorithms, encodings, licences.
var others = []string{"CRC", "SHA", "UTF", "ISO", "RFC", "BSD", "MPL"}

// clauses returns the file of each clause that spec/ defines, and what is wrong
// with the definitions: an id that stands twice.
func clauses(tree fs.FS) (where map[string]string, findings []string, err error) {
	where = map[string]string{}
	err = files(tree, isSpec, func(name, content string) error {
		for _, m := range definition.FindAllStringSubmatch(content, -1) {
			if other, ok := where[m[1]]; ok {
				findings = append(findings, finding(name, "%s is defined in %s too", m[1], other))
			}
			where[m[1]] = name
		}
		return nil
	})
	return where, findings, err
}

// checkClauses finds clauses that are named but not defined, defined twice, or
// missing between others; topics that are spread over files; and topics that
// spec/README.md does not lead to.
func checkClauses(tree fs.FS) ([]string, error) {
	where, findings, err := clauses(tree)
	if err != nil {
		return nil, err
	}
	findings = append(findings, checkTopics(tree, where)...)
	err = files(tree, namesIDs, func(name, content string) error {
		for _, m := range clauseID.FindAllStringSubmatch(content, -1) {
			if where[m[0]] == "" && !slices.Contains(others, m[1]) {
				findings = append(findings, finding(name, "%s is no clause of spec/", m[0]))
			}
		}
		return nil
	})
	return sorted(findings), err
}

// checkTopics looks at the clauses of one prefix together.
func checkTopics(tree fs.FS, where map[string]string) []string {
	var findings []string
	files, largest, count := map[string]string{}, map[string]int{}, map[string]int{}
	for id, file := range where {
		topic, number, _ := strings.Cut(id, "-")
		n, _ := strconv.Atoi(number)
		largest[topic] = max(largest[topic], n)
		count[topic]++
		if other, ok := files[topic]; ok && other != file {
			findings = append(findings, finding(max(file, other), "%s has clauses in %s too", topic, min(file, other)))
		}
		files[topic] = file
	}
	index, err := fs.ReadFile(tree, "spec/README.md")
	if err != nil {
		return append(findings, finding("spec/README.md", "%v", err))
	}
	for topic, file := range files {
		if largest[topic] != count[topic] {
			findings = append(findings, finding(file, "%s has %d clauses, the last is %s-%d", topic, count[topic], topic, largest[topic]))
		}
		row := regexp.MustCompile(`(?m)^\| *` + topic + ` *\|.*\]\(` + regexp.QuoteMeta(strings.TrimPrefix(file, "spec/")) + `[)#]`)
		if !row.Match(index) {
			findings = append(findings, finding("spec/README.md", "no row leads to %s in %s", topic, file))
		}
	}
	return findings
}
