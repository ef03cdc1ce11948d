package git

import (
	"errors"
	"fmt"
	"strings"
)

// Why a repository is not imported (IMP-6, IMP-7). Match with errors.Is; the
// message adds what git or the object says.
var (
	ErrNoGit         = errors.New("the git command is missing")
	ErrNotRepository = errors.New("not a git repository")
	ErrOwner         = errors.New("git does not trust a repository that another user owns")
	ErrEmpty         = errors.New("the repository has no commit to import")
	ErrShallow       = errors.New("the repository is a shallow clone, its history is cut off")
	ErrMissing       = errors.New("the repository lacks objects of its history")
	ErrCorrupt       = errors.New("the repository has a damaged object")
	ErrCommit        = errors.New("cannot read a commit")
	ErrParents       = errors.New("a commit has too many parents")
	ErrCollision     = errors.New("two commits share the first 14 bytes of their hashes")
)

// Error is a git command that failed. It matches the sentinel above that its
// message tells of, if one does.
type Error struct {
	Command string // the subcommand
	Err     error  // how it ended
	Message string // what it wrote to its standard error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("git %s: %v", e.Command, e.Err)
	if e.Message != "" {
		text = fmt.Sprintf("git %s: %s", e.Command, e.Message)
	}
	if cause := e.cause(); cause != nil {
		text = fmt.Sprintf("%v: %s", cause, text)
	}
	return text
}

// Unwrap gives how the command ended and the sentinel, if there is one.
func (e *Error) Unwrap() []error {
	if cause := e.cause(); cause != nil {
		return []error{e.Err, cause}
	}
	return []error{e.Err}
}

// causes are git's words, in the C locale, in the order in which they decide: a
// damaged object is often told of as an unreadable one too.
var causes = []struct {
	words string
	err   error
}{
	{"not a git repository", ErrNotRepository},
	{"dubious ownership", ErrOwner},
	{"unsafe repository", ErrOwner},
	{"corrupt", ErrCorrupt},
	{"mismatch", ErrCorrupt},
	{"inflate", ErrCorrupt},
	{"packfile", ErrCorrupt},
	{"bad object", ErrMissing},
	{"Could not read", ErrMissing},
	{"unable to read", ErrMissing},
	{"bad file", ErrMissing},
	{"missing", ErrMissing},
	{"promisor", ErrMissing},
}

func (e *Error) cause() error {
	for _, c := range causes {
		if strings.Contains(e.Message, c.words) {
			return c.err
		}
	}
	return nil
}
