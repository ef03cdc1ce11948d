package bundled

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

func TestTheBundledHistoryIsWholeAndCausal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	require.NoError(t, Write(dir))
	names, err := importer.ReadNames(dir)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, len(names)+1)

	lamports, deps := make(map[key.Key]bool), make(map[key.Key][]key.Key)
	for _, n := range names {
		events := read(t, filepath.Join(dir, n.File), n.Node)
		require.Len(t, events, int(n.Events))
		for i, e := range events {
			require.Equal(t, n.Node, e.Key.Node())
			require.True(t, i == 0 || events[i-1].Key.Compare(&e.Key) < 0)
			lamports[e.Key], deps[e.Key] = true, e.Deps
		}
	}
	require.Len(t, lamports, 338)
	for k, of := range deps {
		for _, d := range of {
			require.True(t, lamports[d], "a dep of %v is bundled", k)
			require.Less(t, d.Lamport(), k.Lamport())
		}
	}
}

func read(t *testing.T, path string, node uint32) (events []event.Event) {
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	h, err := frame.ParseHeader(file)
	require.NoError(t, err)
	require.Equal(t, node, h.Node)
	for at := int64(frame.HeaderSize); at < int64(len(file)); {
		v, next, err := frame.Next(file, at)
		require.NoError(t, err)
		events, at = append(events, v.Event()), next
	}
	return events
}

// TestTheBundledHistoryNamesNobody holds every text in it to the forms of
// hashes, dates and handles.
func TestTheBundledHistoryNamesNobody(t *testing.T) {
	payload := regexp.MustCompile(`^commit [0-9a-f]{40}\ntree [0-9a-f]{40}\n(parent [0-9a-f]{40}\n)*` +
		`author \d+ [+-]\d{4}\ncommitter \d+ [+-]\d{4}\nobject \d+ [0-9a-f]{64}\n$`)
	dir := filepath.Join(t.TempDir(), "history")
	require.NoError(t, Write(dir))
	names, err := importer.ReadNames(dir)
	require.NoError(t, err)
	var size int64
	for _, n := range names {
		require.Regexp(t, `^author-\d\d$`, n.Name)
		require.Empty(t, n.Email)
		require.Empty(t, n.Other)
		require.True(t, strings.HasSuffix(n.File, n.Name+importer.Extension))
		for _, e := range read(t, filepath.Join(dir, n.File), n.Node) {
			require.Regexp(t, payload, string(e.Payload))
		}
		info, err := os.Stat(filepath.Join(dir, n.File))
		require.NoError(t, err)
		size += info.Size()
	}
	require.Less(t, size, int64(200_000), "bytes in the binary")
}

func TestAFolderThatIsTakenIsNotWrittenTo(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(dir), "an empty folder is free")
	require.ErrorIs(t, Write(dir), importer.ErrOutput)
}
