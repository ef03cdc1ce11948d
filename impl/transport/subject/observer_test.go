package subject

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const someNkey = "UCX5ZQKXQ6T2TBKCM5D2TS3SV5FZ2DFXFWCMSJIVSL7H5HCSFYXTA5TE"

func TestAnObserverSpeaksFromAPlaceThatNoMemberHasAndNoOther(t *testing.T) {
	place := Place(someNkey)
	require.True(t, IsPlace(place))
	require.Equal(t, 62_165, place) // sha256sum: 7875...
	require.NotEqual(t, place, Place(someNkey[:55]+"F"))
	require.False(t, IsPlace(59_999))
	require.True(t, IsPlace(60_000))
	require.True(t, IsPlace(64_095))
	require.False(t, IsPlace(64_096))
	c := Of(cert.Hash{0xab})
	p := c.Observer(someNkey)
	require.Equal(t, []string{"omega.ab00000000000000.from.62165.to.*"}, p.Publish)
	require.Equal(t, []string{
		"omega.ab00000000000000.from.*.to.62165", "omega.ab00000000000000.truth.*", "omega.ab00000000000000.inbox.62165.>",
	}, p.Subscribe)
}

func TestBothAllowsWhatEitherDoesAndChangesNeither(t *testing.T) {
	room := make([]string, 1, 8)
	room[0] = "a"
	p := Permissions{Publish: room, Subscribe: []string{"b"}}
	both := p.Both(Permissions{Publish: []string{"c"}})
	require.Equal(t, Permissions{Publish: []string{"a", "c"}, Subscribe: []string{"b"}}, both)
	require.Equal(t, "", room[:2][1])
	require.Equal(t, "omega.ab00000000000000.events.*.*", Of(cert.Hash{0xab}).EventsOf("*"))
}
