// Package ceremony is how people who do not trust each other found a chain, change
// its roster, or go on without a member that is lost. All that passes between them is
// small text files, which they carry or send; no private key leaves its host (CER-1).
//
// Each party shows its public part, which it has signed (CER-2):
//
//	omega-member v1
//	name paris
//	key 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8
//	nodes 1,2
//	contact tls://paris.example:4222
//	nkey -
//	signature ea31481db811866beda6f7d08e66cbeedb8165b9593fbf52cf0ce181a8ab2cb781242be7dfce0acf63eb596692588fadabb1a80f718ba20eabaf8af92b749408
//
// Somebody gathers these parts into a proposal: a Genesis (CER-3), or a Change of the
// roster (CER-5), which every party checks against what it knows itself before it signs
// (CER-4). Whoever has all signatures makes of them the genesis certificate, or the
// content that the members then decide (QRM-23). Nothing has to be trusted about
// who gathers: what is signed names everything, and one value, the chain's name,
// stands for all of it when people compare it by voice.
//
// A file has one spelling. Errors are *Error around one of this package's.
package ceremony

import (
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// MaxFile is the largest file of a ceremony in bytes (CER-1).
const MaxFile = 1 << 20

// Why a file, a proposal or a signature is refused, one a cause (CER-1 to CER-6).
var (
	ErrForm       = errors.New("not a file of this form")
	ErrTooLarge   = errors.New("the file is too large")
	ErrPossession = errors.New("the public part is not signed by its own key")
	ErrOwn        = errors.New("the proposal says something else of this party")
	ErrNotSigner  = errors.New("this key does not sign here")
	ErrProposal   = errors.New("the proposal does not hold")
	ErrForeign    = errors.New("the signature is of another proposal")
	ErrSignature  = errors.New("the signature does not verify")
	ErrTwice      = errors.New("one party's signature stands twice")
	ErrMissing    = errors.New("signatures are missing")
)

// Error says where something is wrong. File is empty for bytes without a name; Line
// counts from 1, and is 0 where it is the file as a whole.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.File != "" {
		text = e.File + ": " + text
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

func refuse(cause error, format string, args ...any) error {
	return &Error{Err: fmt.Errorf("%w: %w", cause, fmt.Errorf(format, args...))}
}

// Load reads the file path by one of this package's parsers. The error names the
// file.
func Load[T any](path string, parse func(text []byte) (T, error)) (T, error) {
	var none T
	text, err := durable.ReadUpTo(path, MaxFile, nil)
	if err != nil {
		return none, &Error{File: path, Err: durable.Cause(err)}
	}
	v, err := parse(text)
	var bad *Error
	if errors.As(err, &bad) {
		return none, &Error{File: path, Line: bad.Line, Err: bad.Err}
	}
	return v, err
}

// Save writes the text to the new file path, durably. It never overwrites:
// fs.ErrExist.
func Save(path string, text []byte) error {
	if err := durable.CreateFile(durable.OS{}, path, text, 0o644); err != nil {
		return &Error{File: path, Err: durable.Cause(err)}
	}
	return nil
}

// Fingerprints returns a line for each member, its name and its key's fingerprint, for
// people to read to each other (CER-4, IDN-3).
func Fingerprints(r cert.Roster) []string {
	lines := make([]string, len(r))
	for i := range r {
		lines[i] = r[i].Name + " " + identity.Fingerprint(r[i].Key)
	}
	return lines
}
