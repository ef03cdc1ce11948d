// Package git turns the commits of a git repository into causal events, one
// section an author, in a folder as package importer describes it.
//
// A git history is a causal history that exists already: a commit names the
// commits that it builds on by their hashes. So the author is the node, the
// parents are the deps, and what a commit comes after it comes after in Lamport
// time too.
//
// # Which commits
//
// Those that HEAD reaches, or with All those that any ref reaches, refs/replace
// left out (clause IMP-6). The objects are taken as they are stored: replace refs,
// grafts and the commit-graph file are not looked at. Each commit's content must
// have the hash that names it (IMP-7).
//
// Refused, with an error of its own each and nothing written: what is no
// repository (ErrNotRepository), one that git does not trust (ErrOwner), one
// without commits (ErrEmpty), a shallow clone (ErrShallow), whose roots are not
// the history's, missing and damaged objects (ErrMissing, ErrCorrupt), a commit
// that cannot be read (ErrCommit), more than 65535 parents (ErrParents), and two
// commits that share an event id (ErrCollision). A partial clone holds all commits
// and is taken; nothing is ever fetched.
//
// # The event of a commit
//
// The key (IMP-8): lamport is 1 for a commit without parents, else 1 more than the
// largest of its parents, which makes it the number of commits on the longest path
// from a root; node is the author's id; stream is 0; event is the first 14 bytes
// of the commit's hash, SHA-1 or SHA-256 as the repository has it.
//
// The deps (IMP-9) are the keys of its parents, each once.
//
// The value (IMP-10) is the time in hours from the author's date to the
// committer's: how long a change waited until it was taken into this history,
// below zero where clocks disagreed. From the difference d in seconds it is d*5/18
// thousandths, rounded half to even, and the nearest i32 where that is outside of
// it (some 245 years). It is 0 where one of the dates cannot be read. It needs the
// commit alone, no comparison of trees.
//
// The payload (IMP-11) is ASCII text, its lines ended by a line feed. For a commit
// of two parents by an author two hours west of the committer:
//
//	commit 0d9def5e1b6e660032e7faf81a9056066a6eeb79
//	tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
//	parent 184d9bf5dd14dcb841b2761af516dc6dedd5e90d
//	parent 493600c6c4c50a932118fbe5271d8250318ffdb2
//	author 1700000000 -0200
//	committer 1700003600 +0000
//	object 244 313a4f00c8ae724d7badbe43926f3d4e6dfb4bf8fc94d854da24988515552572
//
// commit, tree and parent have the hashes in lower-case hex, the parents in the
// commit's order and each as often as it says. author and committer have the date
// as it stands in the object, seconds and zone, when what follows the line's last
// ">" is a space, 1 to 18 digits, a space, a sign and 1 to 8 digits; else "-".
// object has the size in bytes and the SHA-256 of the object's whole content (what
// `git cat-file commit` prints). That hash stands for everything else: message,
// encoding, signatures, names, in whatever bytes they are. So a payload tells
// nobody's name and address, and who has the repository can check each event
// against it, without trusting SHA-1.
//
// # Authors
//
// A name is what stands before the author line's first "<", without spaces, tabs
// and carriage returns at its ends, an e-mail what stands between it and the next
// ">"; a line without the two is all name. Both are then mapped by the .mailmap of
// HEAD's tree, as gitmailmap(5) says, and by no other. Commits with the same
// e-mail, ASCII letters in either case, are one author's; without an e-mail, those
// with the same name (IMP-12). So one author who writes under two names is one
// node, and under two addresses if the .mailmap says so.
//
// Node ids count from 1 in the order of each author's first commit by (lamport,
// hash) (IMP-13). In names.tsv an author goes by the mapped name and e-mail that
// most commits have, the least in byte order of those that have equally many; all
// others, mapped or not, are the other spellings, written "Name <e-mail>"
// (IMP-14).
//
// The same commits and .mailmap give the same bytes, on any machine.
package git

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/importer"
)

// Options says what to import, and where to.
type Options struct {
	Repo   string // a folder of the repository, bare or not
	Output string // the folder to make; absent or empty; parents are made
	All    bool   // what any ref reaches, not HEAD alone (IMP-6)

	// Progress, if not nil, is called now and then, one call at a time, and when
	// all is done. Each commit counts twice: once read, once written.
	Progress func(done, total int)
}

// Summary says what an import found and wrote.
type Summary struct {
	Commits    int    // each one event
	Authors    int    // each one section
	Roots      int    // commits without a parent
	Merges     int    // commits with at least two different parents
	Octopus    int    // merges with at least three
	MaxLamport uint64 // commits on the longest path
	Bytes      int64  // in all sections
}

// Import writes the history of a repository into a new folder: all of it, or on an
// error nothing (IMP-4). It needs the git command. It holds some 400 bytes a
// commit in memory. Errors: those of this package, importer.ErrOutput, the
// context's, those of the file system.
func Import(ctx context.Context, o Options) (Summary, error) {
	repo, err := open(ctx, o.Repo)
	if err != nil {
		return Summary{}, err
	}
	stage, err := importer.NewStage(o.Output)
	if err != nil {
		return Summary{}, err
	}
	defer stage.Discard()
	h, err := repo.list(ctx, o.All)
	if err != nil {
		return Summary{}, err
	}
	steps := &steps{total: 2 * len(h.commits), tell: o.Progress}
	spool, err := importer.NewSpool(filepath.Join(stage.Scratch(), "payloads"))
	if err != nil {
		return Summary{}, err
	}
	defer spool.Close()
	if err := repo.read(ctx, h, spool, steps); err != nil {
		return Summary{}, err
	}
	mailmap, err := repo.mailmap(ctx)
	if err != nil {
		return Summary{}, err
	}
	authors := h.assignNodes(mailmap)
	summary := h.summary(len(authors))
	if summary.Bytes, err = h.write(ctx, stage.Dir(), authors, spool, steps); err != nil {
		return Summary{}, err
	}
	if err := stage.Publish(); err != nil {
		return Summary{}, err
	}
	return summary, nil
}

// steps counts the steps of an import and tells of them.
type steps struct {
	mu          sync.Mutex
	done, total int
	tell        func(done, total int)
}

const tellEvery = 1 << 10 // steps; also between two looks at the context

// step counts one more. It returns the context's error now and then.
func (s *steps) step(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	if s.done%tellEvery != 0 && s.done != s.total {
		return nil
	}
	if s.tell != nil {
		s.tell(s.done, s.total)
	}
	return ctx.Err()
}
