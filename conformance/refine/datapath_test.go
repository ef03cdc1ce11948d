package refine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

func parsed(t *testing.T, text string) tlavalue.Value {
	v, err := tlavalue.Parse(text)
	require.NoError(t, err)
	return v
}

func TestAnEventGoesToItsBytesAndBack(t *testing.T) {
	for _, text := range []string{
		`[deps |-> {}, key |-> <<1, 1>>, text |-> "a"]`,
		`[deps |-> {<<3, 9>>, <<4, 2>>}, key |-> <<4, 2>>, text |-> "b"]`,
	} {
		e, err := Event(parsed(t, text))
		require.NoError(t, err)
		require.True(t, event.Valid(e))
		back, err := EventValue(e)
		require.NoError(t, err)
		require.Equal(t, text, back.String())
	}
}

func TestAnEventThatTheModelCannotSayIsForeign(t *testing.T) {
	for name, e := range map[string]event.Event{
		"another stream":   {Key: key.New(1, 1, 1, [key.EventIDSize]byte{})},
		"another event id": {Key: key.New(1, 1, 0, [key.EventIDSize]byte{1})},
		"a late time":      {Key: key.New(1<<40, 1, 0, [key.EventIDSize]byte{})},
		"another figure":   {Key: key.New(1, 1, 0, [key.EventIDSize]byte{}), Value: 1, Payload: []byte("a")},
		"a strange dep":    {Key: key.New(1, 1, 0, [key.EventIDSize]byte{}), Deps: []key.Key{key.New(1, 1, 1, [key.EventIDSize]byte{})}},
	} {
		b, err := e.Append(nil)
		require.NoError(t, err)
		_, err = EventValue(b)
		require.ErrorIs(t, err, ErrForeign, name)
	}
}

func TestEveryLogOfTheGraphIsAChainAndItsPast(t *testing.T) {
	w := newWorld(t)
	dir, logs := t.TempDir(), map[string]tlavalue.Seq{}
	for _, v := range graph(t, "DataPathGraph")["log"] {
		for _, log := range v.(tlavalue.Seq) {
			logs[log.String()] = log.(tlavalue.Seq)
		}
	}
	require.Greater(t, len(logs), 5)
	for _, log := range logs {
		h, err := NewHistory(w.Genesis, dir, log)
		require.NoError(t, err)
		require.Equal(t, uint64(len(log))+1, h.Chain.Length)
		wrong, err := h.CheckPast(tlavalue.Set{parsed(t, `[deps |-> {}, key |-> <<9, 1>>, text |-> "a"]`)})
		require.NoError(t, err)
		require.Empty(t, wrong, "%v", log)
		require.NoError(t, h.Past.Close())
	}
}

func TestAPastThatDiffersFromTheModelsIsTold(t *testing.T) {
	w := newWorld(t)
	merge := parsed(t, `[kind |-> "merge", obstructions |-> <<>>, quarantine |-> {},
		trace |-> <<[deps |-> {}, key |-> <<1, 1>>, text |-> "a"]>>]`)
	h, err := NewHistory(w.Genesis, t.TempDir(), tlavalue.Seq{merge})
	require.NoError(t, err)
	defer h.Past.Close()
	certified := h.Certified
	for name, set := range map[string]tlavalue.Set{
		"an event too many": {}, "an event too few": union(certified, tlavalue.Set{parsed(t, `[deps |-> {}, key |-> <<2, 1>>, text |-> "a"]`)}),
		"another version": {parsed(t, `[deps |-> {}, key |-> <<1, 1>>, text |-> "b"]`)},
	} {
		h.Certified = set
		wrong, err := h.CheckPast(certified)
		require.NoError(t, err)
		require.NotEmpty(t, wrong, name)
	}
}

func TestTheResultOfABatchIsThatOfTheModel(t *testing.T) {
	w := newWorld(t)
	h, err := NewHistory(w.Genesis, t.TempDir(), tlavalue.Seq{})
	require.NoError(t, err)
	events := parsed(t, `<<[deps |-> {}, key |-> <<2, 1>>, text |-> "a"], [deps |-> {}, key |-> <<1, 1>>, text |-> "b"],
		[deps |-> {<<3, 9>>}, key |-> <<4, 2>>, text |-> "a"]>>`).(tlavalue.Seq)
	for _, c := range []struct {
		events tlavalue.Seq
		want   string
	}{
		{events[:2], `[kind |-> "merge", obstructions |-> <<>>, quarantine |-> {}, trace |-> <<[deps |-> {}, key |-> <<1, 1>>, text |-> "b"], [deps |-> {}, key |-> <<2, 1>>, text |-> "a"]>>]`},
		{events, `[kind |-> "obstruction", obstructions |-> <<<<<<4, 2>>, "missing-dep", <<3, 9>>>>>>, quarantine |-> {[deps |-> {<<3, 9>>}, key |-> <<4, 2>>, text |-> "a"]}, trace |-> <<>>]`},
	} {
		file, err := Section(c.events)
		require.NoError(t, err)
		r, err := invariant.Reconcile([]invariant.Input{{Name: "1", Data: file}}, h.Past, invariant.Options{})
		require.NoError(t, err)
		batch, ok := tlavalue.NewSet(append([]tlavalue.Value{}, c.events...))
		require.True(t, ok)
		got, err := Result(r, batch, tlavalue.Set{})
		require.NoError(t, err)
		require.Equal(t, c.want, got.String())
		want, err := h.ContentOf(got)
		require.NoError(t, err)
		content := h.Content(r)
		require.Equal(t, want.Digest(), content.Digest())
	}
}
