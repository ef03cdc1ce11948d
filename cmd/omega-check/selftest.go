package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// selfTestMembers is how many members the doctor's quorum has.
const selfTestMembers = 3

// testQuorum is the doctor's self-test of the runtime: members with real keys in
// a temporary folder certify one event, and an audit pinned to their genesis
// checks it; pinned to another, it must fail.
func testQuorum(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	section, data := filepath.Join(dir, "section.omega"), filepath.Join(dir, "data")
	if err := writeSelfTest(section); err != nil {
		return "", err
	}
	genesis, err := node.Init(data, node.DefaultSeats(selfTestMembers))
	if err != nil {
		return "", err
	}
	if err := certifySelfTest(ctx, data, section); err != nil {
		return "", err
	}
	pinned := genesis.Envelope.Hash()
	report, err := audit.Folder(data, audit.Options{Genesis: &pinned})
	if err != nil {
		return "", err
	}
	pinned[0]++
	forged, err := audit.Folder(data, audit.Options{Genesis: &pinned})
	switch {
	case err != nil:
		return "", err
	case !report.OK || report.Certificates != 2 || report.Events != 1:
		return "", fmt.Errorf("the audit of a chain of one event found %d certificates, %d events, %v",
			report.Certificates, report.Events, report.FirstError)
	case forged.OK:
		return "", errors.New("an audit pinned to another genesis holds")
	}
	return fmt.Sprintf("%d members certified a batch by messages, and an audit from raw bytes holds", selfTestMembers), nil
}

func writeSelfTest(path string) error {
	w, err := omegalog.Create(path, 1)
	if err != nil {
		return err
	}
	defer w.Abort()
	e := event.Event{Key: key.New(1, 1, 0, [key.EventIDSize]byte{}), Value: 1000}
	body, err := e.Append(nil)
	if err != nil {
		return err
	}
	if err := w.Append(body); err != nil {
		return err
	}
	return w.Close()
}

func certifySelfTest(ctx context.Context, data, section string) error {
	folder, err := node.Open(data, nil)
	if err != nil {
		return err
	}
	defer folder.Close()
	out, err := folder.Certify(ctx, node.Batch{Height: 1, Files: []string{section}})
	if err != nil {
		return err
	}
	if out.Certificate == nil {
		return errors.New("a batch of one event was not certified")
	}
	return nil
}
