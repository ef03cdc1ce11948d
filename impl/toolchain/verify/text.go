package verify

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Summary says in a line or two what the report stands for, and what it does not.
func (r *Report) Summary() string {
	var passed, failed, unasked, absent []string
	for _, l := range r.Layers {
		switch {
		case l.Verdict == Pass:
			passed = append(passed, l.Name)
		case l.Verdict == Fail:
			failed = append(failed, l.Name)
		case l.Message == missingLayer:
			absent = append(absent, l.Name)
		default:
			unasked = append(unasked, l.Name)
		}
	}
	var parts []string
	add := func(names []string, what string) {
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(names), what, strings.Join(names, ", ")))
		}
	}
	add(failed, "FAILED")
	add(passed, "passed")
	add(unasked, "not asked for")
	add(absent, "NOT RUN, for they are not part of this version")
	return strings.Join(parts, "\n")
}

// WriteText writes the report for people: a table, the reasons of failures in
// full, and the summary.
func (r *Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "layer\tverdict\tseconds\t")
	for _, l := range r.Layers {
		seconds, message := fmt.Sprintf("%.1f", l.Seconds), l.Message
		switch {
		case l.Verdict == NotRun:
			seconds = ""
		case l.Cached:
			seconds = "cached"
		}
		if l.Verdict == Fail {
			message = "see below"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Name, strings.ReplaceAll(string(l.Verdict), "-", " "), seconds, message)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, l := range r.Layers {
		if l.Verdict == Fail {
			fmt.Fprintf(w, "\n%s fails:\n%s\n", l.Name, l.Message)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.Summary())
	return err
}
