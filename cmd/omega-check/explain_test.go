package main

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// requireTiled checks that the parts of an explanation and their fields stand one
// behind the other, leave nothing of the file out, and show its bytes.
func requireTiled(t require.TestingT, x *explanation, file []byte) {
	at := int64(0)
	for _, p := range x.Parts {
		require.Equal(t, at, p.Offset, p.Name)
		for _, f := range p.Fields {
			require.Equal(t, at, f.Offset, "%s, %s", p.Name, f.Name)
			at += f.Bytes
			if f.Value != "(not shown)" {
				want := file[f.Offset : f.Offset+min(f.Bytes, hexInJSON)]
				require.Equal(t, hex.EncodeToString(want), f.Hex, "%s, %s", p.Name, f.Name)
			}
		}
		require.Equal(t, at, p.Offset+p.Bytes, p.Name)
	}
	require.Equal(t, int64(len(file)), at, "fields end before the file")
}

func anyKey(t *rapid.T, name string) key.Key {
	return key.New(rapid.Uint64Range(0, 20).Draw(t, name+" lamport"), rapid.Uint32Range(0, 3).Draw(t, name+" node"), 0, [14]byte{})
}

func anySection(t *rapid.T) []byte {
	file := frame.AppendHeader(nil, frame.Header{Node: rapid.Uint32().Draw(t, "node")})
	for range rapid.IntRange(0, 12).Draw(t, "frames") {
		e := event.Event{Key: anyKey(t, "key"), Value: rapid.Int32().Draw(t, "value"), Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")}
		for i := range rapid.IntRange(0, 2*shownItems).Draw(t, "deps") {
			e.Deps = append(e.Deps, key.New(uint64(i), 0, 0, [14]byte{}))
		}
		body, err := e.Append(nil)
		require.NoError(t, err)
		file, err = frame.Append(file, body)
		require.NoError(t, err)
	}
	return file
}

func TestFieldsOfASectionLeaveNothingOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.omega")
	rapid.Check(t, func(t *rapid.T) {
		file := anySection(t)
		require.NoError(t, os.WriteFile(path, file, 0o600))
		x, err := explain(path, "", true)
		require.NoError(t, err)
		require.True(t, x.OK)
		requireTiled(t, x, file)

		short, err := explain(path, "", false)
		require.NoError(t, err)
		require.Equal(t, x.Facts, short.Facts)
		require.Equal(t, len(x.Parts), len(short.Parts)+short.Hidden)
		require.LessOrEqual(t, len(short.Parts), shownParts+1)
	})
}

// testFolder is a data folder of three members with a merge and an obstruction of
// many streams, items and events, and a signed section.
func testFolder(t *testing.T) (dir, section string) {
	root := t.TempDir()
	dir, section = filepath.Join(root, "data"), filepath.Join(root, "s.omega")
	genesis, err := node.Init(dir, node.DefaultSeats(3))
	require.NoError(t, err)
	require.NotNil(t, genesis)
	folder, err := node.Open(dir, nil)
	require.NoError(t, err)
	defer folder.Close()
	writeEvents(t, section, 1, func(i uint16) event.Event {
		return event.Event{Key: key.New(1, 1, i, [14]byte{}), Value: int32(i)}
	})
	_, err = folder.Certify(context.Background(), node.Batch{Height: 1, Files: []string{section}})
	require.NoError(t, err)
	bad := filepath.Join(root, "bad.omega")
	writeEvents(t, bad, 2, func(i uint16) event.Event {
		return event.Event{Key: key.New(2, 2, i, [14]byte{}), Deps: []key.Key{key.New(1, 9, i, [14]byte{})}}
	})
	out, err := folder.Certify(context.Background(), node.Batch{Height: 2, Files: []string{bad}, RecordObstruction: true})
	require.NoError(t, err)
	require.NoError(t, certlog.WriteFile(filepath.Join(root, "one.cert"), out.Certificate))
	member, err := identity.Load(archive.KeyPath(dir, "member-1"), nil)
	require.NoError(t, err)
	_, err = folder.SignSection(section, member)
	require.NoError(t, err)
	return dir, section
}

func writeEvents(t *testing.T, path string, node uint32, make func(i uint16) event.Event) {
	w, err := omegalog.Create(path, node)
	require.NoError(t, err)
	for i := range uint16(3 * shownItems) {
		e := make(i)
		body, err := e.Append(nil)
		require.NoError(t, err)
		require.NoError(t, w.Append(body))
	}
	require.NoError(t, w.Close())
}

func TestFieldsOfEveryFileLeaveNothingOut(t *testing.T) {
	dir, section := testFolder(t)
	sealed := filepath.Join(t.TempDir(), "sealed.key")
	require.NoError(t, identity.Save(sealed, identity.Generate(), []byte("word")))
	for path, format := range map[string]string{
		section:                            "section",
		section + omegalog.SignatureSuffix: "signature",
		certlog.Path(dir):                  "certificates",
		filepath.Join(filepath.Dir(dir), "one.cert"): "certificates",
		archive.KeyPath(dir, "member-2"):             "key",
		sealed:                                       "key",
		filepath.Join(dir, archive.RosterName):       "roster",
		filepath.Join(dir, "members/member-3/vote"):  "vote",
	} {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, all := range []bool{true, false} {
			x, err := explain(path, "", all)
			require.NoError(t, err, path)
			require.True(t, x.OK, "%s: %+v", path, x)
			require.Equal(t, format, x.Format)
			if x.Hidden == 0 {
				requireTiled(t, x, file)
			}
		}
		if path != sealed {
			x, err := explain(path, dir, true)
			require.NoError(t, err, path)
			require.True(t, x.OK, "%s: %+v", path, x)
			for _, c := range x.Checks {
				require.Equal(t, holds, c.Verdict, "%s: %+v", path, c)
			}
			for _, p := range x.Parts {
				for _, c := range p.Checks {
					require.Equal(t, holds, c.Verdict, "%s: %+v", path, c)
				}
			}
		}
	}
}

// A change that every CRC has followed is found by the hashes, the links and the
// signatures.
func TestExplainNoticesForgedCertificates(t *testing.T) {
	dir, _ := testFolder(t)
	for name, forge := range map[string]struct {
		check string
		do    func(c *cert.Certificate)
	}{
		"vote":           {"signature", func(c *cert.Certificate) { c.Signatures[1] = c.Signatures[0] }},
		"missing vote":   {"signatures", func(c *cert.Certificate) { c.Signatures = c.Signatures[1:] }},
		"body":           {"body_hash", func(c *cert.Certificate) { c.Body[len(c.Body)-1] ^= 1 }},
		"id":             {"cert_id", func(c *cert.Certificate) { c.Envelope.ID[0] ^= 1 }},
		"link":           {"link", func(c *cert.Certificate) { c.Envelope.Prev[0] ^= 1 }},
		"whole envelope": {"state", func(c *cert.Certificate) { restate(t, c) }},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := certlog.Read(certlog.Path(dir))
			require.NoError(t, err)
			file := certlog.AppendHeader(nil)
			for i, r := range records {
				if i == 1 {
					forge.do(r.Certificate)
				}
				file, err = cert.AppendRecord(file, r.Certificate)
				require.NoError(t, err)
			}
			path := filepath.Join(t.TempDir(), "forged")
			require.NoError(t, os.WriteFile(path, file, 0o600))
			x, err := explain(path, "", false)
			require.NoError(t, err)
			require.False(t, x.OK)
			failed := slices.ContainsFunc(x.Parts[2].Checks, func(c check) bool { return c.Name == forge.check && c.Verdict == fails })
			require.True(t, failed, "%+v", x.Parts[2].Checks)
		})
	}
}

// restate gives a merge another state, and hashes that fit it.
func restate(t *testing.T, c *cert.Certificate) {
	body, err := cert.ParseMergeBody(c.Body)
	require.NoError(t, err)
	body.State[0] ^= 1
	c.Body = body.Append(nil)
	c.Envelope = cert.Seal(cert.Merge, c.Envelope.TraceRoot, c.Envelope.BatchID, c.Envelope.Prev, c.Body)
}

// A changed byte anywhere in a file makes explain say no.
func TestExplainNoticesEveryChangedByte(t *testing.T) {
	dir, section := testFolder(t)
	for _, name := range []string{
		section, section + omegalog.SignatureSuffix, certlog.Path(dir), filepath.Join(dir, archive.RosterName),
		filepath.Join(dir, "members/member-3/vote"), archive.KeyPath(dir, "member-2"),
	} {
		file, err := os.ReadFile(name)
		require.NoError(t, err)
		copied := filepath.Join(t.TempDir(), filepath.Base(name))
		step := len(file)/60 + 1
		for at := 0; at < len(file); at += step {
			changed := append([]byte{}, file...)
			changed[at] ^= 0x10
			require.NoError(t, os.WriteFile(copied, changed, 0o600))
			x, err := explain(copied, dir, false)
			if err == nil {
				require.False(t, x.OK, "%s: byte %d", name, at)
			} else {
				require.Equal(t, statusNo, asExit(err).status, "%s: byte %d: %v", name, at, err)
			}
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add([]byte("OMEGALOG"))
	f.Add([]byte("OMEGACRT\x00\x01\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("omega-roster v1\nparis 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 1,2\n"))
	f.Add(frame.AppendHeader(nil, frame.Header{Node: 7}))
	f.Add([]byte("OMEGASIG"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n"))
	f.Add([]byte("omega-encrypted-key v1 "))
	for _, content := range [][]byte{[]byte("x"), (&quorum.Durable{Height: 1}).Encode()} {
		vote, err := certlog.AppendVote(nil, content)
		require.NoError(f, err)
		f.Add(vote)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		x, err := explain(path, "", true)
		if err == nil && x.Error == nil {
			requireTiled(t, x, file)
		}
	})
}
