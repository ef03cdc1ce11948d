package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// folders are those of DIR-1.
var folders = []string{archive.MembersName, archive.TracesName}

// checkRest checks every file of the folder beside the log and the traces: the
// lock, the roster, keys and votes. Files that do not belong are noted: a crash
// may leave a trace that no certificate names, and they change nothing (AUD-1). Of a
// folder that does not belong nothing is looked at.
func (a *auditor) checkRest() error {
	return filepath.WalkDir(a.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == a.dir {
			return err
		}
		rel, err := filepath.Rel(a.dir, path)
		if err != nil {
			return err
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		switch {
		case entry.IsDir() && (slices.Contains(folders, rel) || len(parts) == 2 && parts[0] == archive.MembersName):
			return nil
		case entry.IsDir():
			a.note(path)
			return fs.SkipDir
		case !entry.Type().IsRegular():
			a.note(path)
			return nil
		}
		return a.checkFile(path, parts)
	})
}

func (a *auditor) note(path string) {
	a.report.Notes = append(a.report.Notes, path+": no part of the chain, not checked")
}

// checkFile checks one file by its place in the folder.
func (a *auditor) checkFile(path string, parts []string) error {
	switch {
	case slices.Equal(parts, []string{certlog.Name}):
		return nil
	case slices.Equal(parts, []string{certlog.LockName}):
		return a.checkLock(path)
	case slices.Equal(parts, []string{archive.RosterName}):
		return a.checkRoster(path)
	case len(parts) == 3 && parts[0] == archive.MembersName && parts[2] == archive.KeyName:
		return a.checkKey(path, parts[1])
	case len(parts) == 3 && parts[0] == archive.MembersName && parts[2] == "vote":
		return a.checkVote(path, parts[1])
	case a.traces[strings.Join(parts, "/")]:
		return nil
	}
	a.note(path)
	return nil
}

func (a *auditor) checkLock(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > 0 {
		return a.finding(KindLockFile, path, 0, "it has %d bytes and should be empty", info.Size())
	}
	return nil
}

func (a *auditor) checkRoster(path string) error {
	roster, err := identity.LoadRoster(path)
	if err != nil {
		return a.finding(KindRosterFile, path, 0, "%v", err)
	}
	if !reflect.DeepEqual(roster, a.rosters[0].roster) {
		return a.finding(KindRosterFile, path, 0, "it is not the roster of the genesis")
	}
	return nil
}

func (a *auditor) checkKey(path, name string) error {
	public, err := identity.PublicOf(path)
	if err != nil {
		return a.finding(KindKeyFile, path, 0, "%v", err)
	}
	if !slices.Contains(a.keys[name], public) {
		return a.finding(KindKeyFile, path, 0, "its public key is %x, the chain has %x for %q", public, a.keys[name], name)
	}
	return nil
}

// checkVote checks that a vote file is whole, and that what its member has signed
// is what the chain holds at that height, or is of the next one and such as a
// start takes (QRM-21).
func (a *auditor) checkVote(path, name string) error {
	content, err := certlog.ReadVote(path)
	var damage *certlog.VoteError
	if errors.As(err, &damage) {
		return a.finding(KindVoteFile, path, damage.Offset, "%s", damage.Message)
	}
	if err != nil {
		return err
	}
	vote, err := quorum.DecodeDurable(content)
	if err != nil {
		return a.finding(KindVoteFile, path, 0, "%v", err)
	}
	switch {
	case vote.Chain != a.chain.Name:
		return a.finding(KindVoteFile, path, 0, "%q has signed for the chain %v", name, vote.Chain)
	case vote.Height > a.chain.Length:
		return a.finding(KindVoteFile, path, 0,
			"%q has signed for height %d, the chain ends before %d: it has been cut short", name, vote.Height, a.chain.Length)
	case vote.Height < a.chain.Length && vote.Lock != nil && vote.Lock.Digest != a.hashes[vote.Height]:
		return a.finding(KindVoteFile, path, 0,
			"%q has committed %v at height %d, the chain holds %v", name, vote.Lock.Digest, vote.Height, a.hashes[vote.Height])
	case vote.Height == a.chain.Length:
		if err := a.startVote(name, vote); err != nil {
			return a.finding(KindVoteFile, path, 0, "%v", err)
		}
	}
	return nil
}

// startVote has the quorum's step verify a vote for the next height, as a start of
// its member does. What the start would send is of no use here.
func (a *auditor) startVote(name string, vote *quorum.Durable) error {
	i := slices.IndexFunc(a.chain.Roster, func(m cert.Member) bool { return m.Name == name })
	if i < 0 {
		return fmt.Errorf("the roster has no member %q", name)
	}
	cfg, err := quorum.NewConfig(a.chain, a.chain.Roster[i].Key, mute{})
	if err != nil {
		return err
	}
	_, _, err = quorum.Step(cfg, quorum.Begin(a.chain), quorum.Start{Disk: vote})
	return err
}

// mute signs nothing: an audit has no private key.
type mute struct{}

// Sign returns no signature.
func (mute) Sign([]byte) cert.Signature { return cert.Signature{} }

// tracePath returns the path of a merge's trace and notes that it belongs.
func (a *auditor) tracePath(e *cert.Envelope) string {
	rel := archive.TracePath(e.BatchID, e.TraceRoot)
	a.traces[filepath.ToSlash(rel)] = true
	return filepath.Join(a.dir, rel)
}
