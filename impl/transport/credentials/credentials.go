// Package credentials holds what a host shows to an engine of NATS: an nkey, which
// says who it is, and a certificate, which keeps others out of the connection
// (clauses ENG-5 and ENG-6). Neither has anything to do with the key that signs on
// the chain.
//
// An nkey is kept as the one line that the tools of NATS read,
//
//	SUAA... (58 characters)
//
// in a file that nobody else may read. Its public half begins with U. A
// certificate is self-signed, in PEM, with its key in a file of its own; who is to
// be trusted stands in one file of certificates, those of the peers or of an
// authority.
package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
)

// maxFile is more than any file of credentials has, in bytes.
const maxFile = 1 << 20

// The ways in which a file of credentials is refused. Match with errors.Is.
var (
	ErrPermissions   = errors.New("others can read the secret")
	ErrNotRegular    = durable.ErrNotRegular
	ErrTooLarge      = errors.New("the file is too large")
	ErrNotSeed       = errors.New("not the seed of a user's nkey")
	ErrNoCertificate = errors.New("no certificate in PEM")
	ErrNoKey         = errors.New("not the key of the certificate")
)

// Error names the file that an operation failed on.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func pathError(path string, err error) error { return &Error{Path: path, Err: durable.Cause(err)} }

// readFile reads a regular file, a secret one only if nobody but its owner may.
func readFile(path string, secret bool) ([]byte, error) {
	b, err := durable.ReadUpTo(path, maxFile, func(info fs.FileInfo) error {
		if perm := info.Mode().Perm(); secret && perm&0o077 != 0 {
			return fmt.Errorf("%w: its mode is %04o; run: chmod 600 %s", ErrPermissions, perm, path)
		}
		return nil
	})
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxFile)
	}
	if err != nil {
		return nil, pathError(path, err)
	}
	return b, nil
}

func create(path string, content []byte, perm os.FileMode) error {
	if err := durable.CreateFile(durable.OS{}, path, content, perm); err != nil {
		return pathError(path, err)
	}
	return nil
}
