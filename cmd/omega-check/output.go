package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// A result is what a command has found out. It marshals to the command's one
// JSON object and writes itself as text for people.
type result interface {
	text(t *text)
}

// streams is where a command writes: results to out, diagnostics to err.
type streams struct {
	out, err io.Writer
	json     bool
	color    bool // on out
	live     bool // err is a terminal: progress may be drawn there
}

func newStreams(out, err io.Writer, asJSON bool) *streams {
	return &streams{
		out: out, err: err, json: asJSON,
		color: wantsColor(isTerminal(out), os.Getenv),
		live:  isTerminal(err),
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// wantsColor says whether text is coloured: on a terminal alone, and never
// where NO_COLOR is set to anything.
func wantsColor(terminal bool, getenv func(string) string) bool {
	return terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// print writes r in one go, so that output is whole or an error.
func (s *streams) print(r result) error {
	var b bytes.Buffer
	if s.json {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			return fmt.Errorf("the result has no JSON: %w", err)
		}
	} else {
		r.text(&text{w: &b, color: s.color})
	}
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return &exitError{status: statusMissing, Kind: kindOutput, Message: fmt.Sprintf("the output cannot be written: %v", err)}
	}
	return nil
}

// fail tells why a command failed: as the JSON object, or as a line on stderr.
func (s *streams) fail(e *exitError) {
	if s.json {
		if s.print(failure{Error: e}) == nil {
			return
		}
	}
	fmt.Fprintf(s.err, "omega-check: %v\n", e)
}

// failure is the object that stands for a result there is none of (CLI-3).
type failure struct {
	OK    bool       `json:"ok"`
	Error *exitError `json:"error"`
}

func (f failure) text(t *text) { t.line("%v", f.Error) }

// text writes results for people.
type text struct {
	w     io.Writer
	color bool
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

// table writes rows in columns; the first row is the heading. Colours would
// count as width, so rows carry none.
func (t *text) table(rows [][]string) {
	w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
}

// good and bad mark a verdict.
func (t *text) good(s string) string { return t.paint("32", s) }
func (t *text) bad(s string) string  { return t.paint("31", s) }

func (t *text) paint(code, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// printable returns s as it is where it can stand in a terminal, quoted
// otherwise: names and payloads come from others.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

// count writes n with a comma between thousands: 1234567 is 1,234,567.
func count[N int | int64 | uint64](n N) string {
	digits := strconv.FormatUint(uint64(n), 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// plural writes a count with its noun: "1 frame", "2 frames".
func plural[N int | int64 | uint64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

// size writes a number of bytes with three digits or so: 743.2 kB.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f TB", n)
}

// rate writes n things in d as so many a second.
func rate(n float64, d time.Duration) float64 {
	return n / max(d.Seconds(), 1e-9)
}

// duration writes d with three digits or so.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
