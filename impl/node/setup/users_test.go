package setup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

var nkeysForTests = func() (all []string) {
	for range 8 {
		all = append(all, credentials.GenerateNkey().Public())
	}
	return all
}()

func TestUsersAreReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var users []User
		for i := range rapid.IntRange(0, len(nkeysForTests)).Draw(t, "users") {
			u := User{Kind: rapid.SampledFrom([]string{MemberUser, ClientUser, ObserverUser}).Draw(t, "kind"), Nkey: nkeysForTests[i]}
			u.Name = rapid.StringMatching(`[a-z][a-z0-9]{0,7}`).Draw(t, "name")
			if u.Kind == ClientUser {
				u.Nodes = rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "nodes")
				if len(u.Nodes) == 0 {
					u.Nodes = nil
				}
			}
			users = append(users, u)
		}
		text := FormatUsers(users)
		again, err := ParseUsers(text)
		require.NoError(t, err)
		require.Equal(t, users, again)
	})
}

func TestWhatIsWrongInAUsersFileIsToldWithItsLine(t *testing.T) {
	a, b := nkeysForTests[0], nkeysForTests[1]
	head := usersMark + "\n"
	for _, c := range []struct {
		text string
		line int
		err  error
	}{
		{"", 1, ErrUsersMark},
		{"omega-users v2\n", 1, ErrUsersMark},
		{head + "member paris\n", 2, ErrUserLine},
		{head + "\n# a note\nmember paris " + a + " 7\n", 4, ErrUserLine},
		{head + "member  paris " + a + "\n", 2, nil},
		{head + "client c " + a + "\n", 2, ErrUserLine},
		{head + "client c " + a + " 1,x\n", 2, ErrUserLine},
		{head + "client c " + a + " 01\n", 2, ErrUserLine},
		{head + "client c " + a + " 4294967296\n", 2, ErrUserLine},
		{head + "observer o " + a + " 1\n", 2, ErrUserLine},
		{head + "guest g " + a + "\n", 2, ErrUserLine},
		{head + "member paris " + a[:55] + "\n", 2, ErrUserNkey},
		{head + "member paris " + a + "\nclient c " + b + " -\nobserver o " + a + "\n", 4, ErrUserTwice},
	} {
		_, err := ParseUsers([]byte(c.text))
		var bad *FileError
		require.ErrorAs(t, err, &bad, c.text)
		require.Equal(t, c.line, bad.Line, c.text)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.text)
		}
	}
	many := head + strings.Repeat("x\n", 3)
	_, err := ParseUsers([]byte(many))
	require.ErrorIs(t, err, ErrUserLine)
}

func TestASeedInAUsersFileIsNotRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nk")
	require.NoError(t, credentials.GenerateNkey().Save(path))
	seed, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = ParseUsers([]byte(usersMark + "\nmember paris " + string(seed)))
	require.ErrorIs(t, err, ErrUserNkey)
	require.NotContains(t, err.Error(), strings.TrimSpace(string(seed)))
}

func TestAMemberMayWhatTheRosterGivesItAndWhatAnObserverMay(t *testing.T) {
	chain := subject.Of(cert.Hash{1})
	roster := cert.Roster{{Name: "paris", Nodes: []uint32{1}}, {Name: "tokyo", Nodes: []uint32{2}}}
	users := []User{
		{Kind: MemberUser, Name: "tokyo", Nkey: nkeysForTests[0]}, {Kind: MemberUser, Name: "oslo", Nkey: nkeysForTests[1]},
		{Kind: ClientUser, Name: "tokyo", Nkey: nkeysForTests[2], Nodes: []uint32{7}}, {Kind: ObserverUser, Name: "paris", Nkey: nkeysForTests[3]},
	}
	before := cert.Roster{{Name: "lima", Nodes: []uint32{1}}, roster[0], roster[1]}
	all := engineUsers(chain, []cert.Roster{roster, before}, users)
	require.Len(t, all, 4)
	tokyo := chain.Observer(nkeysForTests[0]).Both(chain.Member(1, &roster[1]))
	require.Equal(t, tokyo.Both(chain.Member(2, &roster[1])), all[0].Permissions, "it may not have heard of the change yet")
	require.Equal(t, chain.Observer(nkeysForTests[1]), all[1].Permissions, "the roster has no oslo")
	require.Equal(t, chain.Client(7), all[2].Permissions)
	require.Equal(t, chain.Observer(nkeysForTests[3]), all[3].Permissions)
	require.Equal(t, []string{"paris"}, missingUsers(roster, users))
}

func FuzzUsers(f *testing.F) {
	f.Add([]byte(usersMark + "\nmember paris " + nkeysForTests[0] + "\n"))
	f.Add([]byte(usersMark + "\n# x\n\nclient c " + nkeysForTests[0] + " 1,2\nobserver o " + nkeysForTests[1] + "\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		users, err := ParseUsers(text)
		if err != nil {
			var bad *FileError
			require.True(t, errors.As(err, &bad) && bad.Line > 0)
			return
		}
		again, err := ParseUsers(FormatUsers(users))
		require.NoError(t, err)
		require.Equal(t, users, again)
	})
}
