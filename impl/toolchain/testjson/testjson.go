// Package testjson reads what `go test -json` prints (see `go doc test2json`).
package testjson

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Event is one line.
type Event struct {
	Action      string
	Package     string
	Test        string // empty for what concerns the whole package
	Output      string
	ImportPath  string // of build-output
	FailedBuild string
	Key, Value  string // of attr
}

// Read gives each event of in to each, to its end. Its error names a line that is no
// event; those before it have been given.
func Read(in io.Reader, each func(*Event)) error {
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadBytes('\n')
		if len(text) > 0 {
			var e Event
			if jsonErr := json.Unmarshal(text, &e); jsonErr != nil {
				_, _ = io.Copy(io.Discard, lines) // so that who writes it can end
				return fmt.Errorf("go test -json printed %q: %w", text, jsonErr)
			}
			each(&e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
