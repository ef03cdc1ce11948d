// Package examples holds the code to the worked examples of the specification.
//
// The files in spec/examples are made from the words of spec/ by a second
// implementation that shares no code with this module (spec/examples/make.py).
// The tests of this package read them and go both ways: what the examples say in
// parts must encode to their bytes, and their bytes must decode to those parts.
// Where the two implementations differ, one of them, or the specification, is
// wrong.
package examples

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// dir is where the examples lie, from this package's folder.
const dir = "../../spec/examples"

// Hex is bytes that stand in an example as hex digits.
type Hex []byte

// UnmarshalText reads the digits.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// read reads the example file called name into a T. It refuses a field that T
// lacks, so that no part of an example goes unread.
func read[T any](name string) (T, error) {
	var v T
	f, err := os.Open(filepath.Join(dir, name+".json"))
	if err != nil {
		return v, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return v, nil
}
