package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// unchecked is the state of a signature that no roster was there to check by; the
// other states are those of package node.
const unchecked node.SignatureState = "unchecked"

// signed says who answers for an input.
type signed struct {
	File      string              `json:"file"`
	Node      uint32              `json:"node"`
	Signature node.SignatureState `json:"signature"` // signed, unsigned or unchecked
	Signer    *string             `json:"signer"`    // the member, where signed
}

// signaturesOf looks at the signature beside each section, whose headers are
// known to be good. With a view of a chain the signatures are checked, and one that
// does not hold is an error.
func signaturesOf(sections *node.Sections, view *node.View) ([]signed, error) {
	states := make([]node.SignatureState, len(sections.Views))
	if view != nil {
		var err error
		if states, err = view.CheckSignatures(sections); err != nil {
			return nil, err
		}
	} else {
		for i, v := range sections.Views {
			states[i] = unchecked
			if _, err := omegalog.ReadSignature(v.Name()); errors.Is(err, fs.ErrNotExist) {
				states[i] = node.Unsigned
			}
		}
	}
	return reportSignatures(sections, view, states)
}

// reportSignatures puts the states of the sections' signatures into the form of
// reports.
func reportSignatures(sections *node.Sections, view *node.View, states []node.SignatureState) ([]signed, error) {
	out := make([]signed, len(states))
	for i, v := range sections.Views {
		var header frame.Header
		err := omegalog.Guard(func() (err error) {
			header, err = v.Header()
			return err
		}, v)
		if err != nil {
			return nil, err
		}
		out[i] = signed{File: v.Name(), Node: header.Node, Signature: states[i]}
		if states[i] != node.Signed {
			continue
		}
		if member, ok := view.Chain.Roster.Writer(header.Node); ok {
			out[i].Signer = &view.Chain.Roster[member].Name
		}
	}
	return out, nil
}

// shownNames is how many names of files one line of text shows.
const shownNames = 5

// writeSections marks the sections that nobody has answered for.
func writeSections(t *text, sections []signed) {
	byState := map[node.SignatureState][]string{}
	for _, s := range sections {
		byState[s.Signature] = append(byState[s.Signature], printable(s.File))
	}
	var states []string
	for _, state := range []node.SignatureState{node.Signed, unchecked, node.Unsigned} {
		names := byState[state]
		if len(names) == 0 {
			continue
		}
		more := ""
		if len(names) > shownNames {
			names, more = names[:shownNames], " ..."
		}
		states = append(states, fmt.Sprintf("%d %s (%s%s)", len(byState[state]), state, strings.Join(names, ", "), more))
	}
	t.line("%s: %s", plural(len(sections), "section"), strings.Join(states, ", "))
}
