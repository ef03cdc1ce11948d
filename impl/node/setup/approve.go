package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// The files, in a member's data folder, of the roster change for which it holds the
// height, and of the one that its people have approved (NOD-3).
const (
	ProposedName = "proposed.change"
	ApprovedName = "approved.change"
)

// Approve gives a roster change to the member in the data folder dir, whose chain is
// given: it is checked, and stands in the folder, from where a node takes it. The public
// parts of those who join are entered in the users file. The error is one of package
// ceremony's, ErrOtherPart, or that of a file.
func Approve(dir string, chain cert.Chain, change *ceremony.Change, parts []*ceremony.Member) (path string, err error) {
	if _, err := change.Content(chain); err != nil {
		return "", err
	}
	if err := addUsers(filepath.Join(dir, UsersName), change.Roster, parts); err != nil {
		return "", err
	}
	path = filepath.Join(dir, ApprovedName)
	return path, durable.WriteFile(durable.OS{}, path, change.Format(), 0o644)
}

// addUsers enters members in a users file. Those who leave stay, until people take them
// out, and so does who changes its key: it is needed until the change is through, and the
// roster says who has a place.
func addUsers(path string, roster cert.Roster, parts []*ceremony.Member) error {
	added, err := usersOf(roster, parts)
	if err != nil || len(added) == 0 {
		return err
	}
	users, err := LoadUsers(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, u := range added {
		if !slices.ContainsFunc(users, func(old User) bool { return old.Nkey == u.Nkey }) {
			users = append(users, u)
		}
	}
	return SaveUsers(path, users)
}

// changeIn reads a change, nil where there is none.
func changeIn(path string) (*ceremony.Change, error) {
	c, err := ceremony.Load(path, ceremony.ParseChange)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

// Propose has the member in the data folder dir hold the height of a change, so that it
// can be carried round.
func Propose(dir string, change *ceremony.Change) error {
	return durable.WriteFile(durable.OS{}, filepath.Join(dir, ProposedName), change.Format(), 0o644)
}

// Withdraw takes back what Propose and Approve have put into the data folder. A member
// that holds the height, or stands for the change, does so until it is started again.
func Withdraw(dir string) (removed []string, err error) {
	for _, name := range []string{ProposedName, ApprovedName} {
		path := filepath.Join(dir, name)
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return removed, err
		}
		removed = append(removed, path)
	}
	return removed, nil
}
