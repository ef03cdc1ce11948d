package subject_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

var chain = subject.Of(cert.Hash{0xc4, 0xa1, 0x17, 0, 0, 0, 0, 0xff, 0xee})

func TestTheSubjectsOfAChain(t *testing.T) {
	for got, want := range map[string]string{
		chain.String():                   "c4a11700000000ff",
		chain.Send(3, 10):                "omega.c4a11700000000ff.from.3.to.10",
		chain.Receive(10):                "omega.c4a11700000000ff.from.*.to.10",
		chain.Inbox(3):                   "omega.c4a11700000000ff.inbox.3",
		chain.Event(4294967295, 65535):   "omega.c4a11700000000ff.events.4294967295.65535",
		chain.Events():                   "omega.c4a11700000000ff.events.*.*",
		chain.Stream():                   "OMEGA-EVENTS-c4a11700000000ff",
		chain.Truth(subject.Obstruction): "omega.c4a11700000000ff.truth.obstruction",
		subject.Consumer("tokyo.2_b"):    "tokyo=2_b",
	} {
		require.Equal(t, want, got)
	}
}

func TestTwoRosterNamesNeverShareAConsumer(t *testing.T) {
	names := rapid.StringMatching(`[a-z0-9][a-z.]{0,7}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		if rapid.Bool().Draw(t, "alike") {
			b = strings.ReplaceAll(a, ".", rapid.SampledFrom([]string{"-", "_", "."}).Draw(t, "with"))
		}
		require.Equal(t, a == b, subject.Consumer(a) == subject.Consumer(b))
		require.False(t, strings.ContainsAny(subject.Consumer(a), ".*> /\\"))
	})
}

// matches is NATS's rule: * stands for one token, > for one or more at the end.
func matches(pattern, subj string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subj, ".")
	for i := range p {
		if p[i] == ">" {
			return len(s) > i
		}
		if i >= len(s) || p[i] != "*" && p[i] != s[i] {
			return false
		}
	}
	return len(p) == len(s)
}

func allows(list []string, subj string) bool {
	for _, pattern := range list {
		if matches(pattern, subj) {
			return true
		}
	}
	return false
}

func TestAMemberMayDoItsOwnAndNothingOfOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, j := rapid.IntRange(0, 12).Draw(t, "i"), rapid.IntRange(0, 12).Draw(t, "j")
		names := []string{"m", "m1", "m.1", "m_1"}
		mine, other := rapid.IntRange(0, 3).Draw(t, "mine"), rapid.IntRange(0, 3).Draw(t, "other")
		node := uint32(rapid.IntRange(0, 300).Draw(t, "node"))
		p := chain.Member(i, &cert.Member{Name: names[mine], Nodes: []uint32{7, 70}})
		same := i == j
		to := rapid.IntRange(0, 12).Draw(t, "to")
		require.Equal(t, same, allows(p.Publish, chain.Send(j, to)))
		require.Equal(t, same, allows(p.Subscribe, chain.Receive(j)))
		require.Equal(t, same, allows(p.Subscribe, chain.Send(to, j)))
		require.Equal(t, same, allows(p.Subscribe, chain.Inbox(j)+".x.y"))
		require.Equal(t, node == 7 || node == 70, allows(p.Publish, chain.Event(node, 3)))
		require.True(t, allows(p.Publish, chain.Truth(subject.Commit)))
		for _, api := range []string{"$JS.API.CONSUMER.INFO.%", "$JS.API.CONSUMER.MSG.NEXT.%", "$JS.ACK.%.1.2.3.4.5"} {
			subj := strings.ReplaceAll(api, "%", chain.Stream()+"."+subject.Consumer(names[other]))
			require.Equal(t, mine == other, allows(p.Publish, subj), subj)
		}
		for _, never := range []string{
			"$JS.API.STREAM.UPDATE." + chain.Stream(), "$JS.API.STREAM.PURGE." + chain.Stream(), "$SYS.REQ", "_INBOX.x", chain.Inbox(j) + ".x",
			subject.Of(cert.Hash{}).Send(i, to),
		} {
			require.False(t, allows(p.Publish, never), never)
		}
		require.False(t, allows(p.Subscribe, chain.Event(7, 3)))
	})
}

func TestAClientPublishesItsNodesAndHearsTheTruth(t *testing.T) {
	p := chain.Client(7, 8)
	for subj, want := range map[string]bool{
		chain.Event(7, 1): true, chain.Event(8, 2): true, chain.Event(9, 1): false, chain.Event(70, 1): false,
		chain.Send(0, 1): false, chain.Truth(subject.Prepare): false, "$JS.API.INFO": false, "_INBOX.x": false,
	} {
		require.Equal(t, want, allows(p.Publish, subj), subj)
	}
	for subj, want := range map[string]bool{
		chain.Truth(subject.Prepare): true, "_INBOX.me": true, chain.Send(0, 1): false, chain.Event(7, 1): false, chain.Inbox(0) + ".x": false,
	} {
		require.Equal(t, want, allows(p.Subscribe, subj), subj)
	}
	require.Empty(t, chain.Client().Publish)
}
