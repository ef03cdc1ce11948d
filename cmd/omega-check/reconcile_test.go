package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/node"
)

func TestASignerIsBlamedForItsOwnNodesEventsAlone(t *testing.T) {
	alice, bob := "alice", "bob"
	sections := []signed{
		{File: "own.omega", Node: 1, Signature: node.Signed, Signer: &alice},
		{File: "passed.omega", Node: 2, Signature: node.Signed, Signer: &bob},
		{File: "nobody.omega", Node: 1, Signature: node.Unsigned},
	}
	o := &obstruction{item: cert.ObstructionItem{Key: key.New(1, 1, 0, [key.EventIDSize]byte{})}}
	for file, want := range map[string]string{
		"own.omega":    ", signed by alice",
		"passed.omega": ", passed on by bob",
		"nobody.omega": ", unsigned",
		"traces/1":     ", certified or quarantined",
	} {
		require.Equal(t, want, o.blame(file, sections), file)
	}
}
