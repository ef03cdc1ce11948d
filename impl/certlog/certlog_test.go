package certlog

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func TestTheHeaderIsSixteenFixedBytes(t *testing.T) {
	require.Equal(t, "4f4d454741435254"+"0001"+"000000000000", hex.EncodeToString(AppendHeader(nil)))
	require.Equal(t, HeaderSize, len(AppendHeader(nil)))
}

func TestALogReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chain := testChain(rapid.IntRange(0, 6).Draw(t, "n"), rapid.Uint64().Draw(t, "salt"))
		file := logBytes(chain)
		records, err := Parse(file)
		require.NoError(t, err)
		require.Len(t, records, len(chain))
		offset := int64(HeaderSize)
		for i, r := range records {
			require.Equal(t, chain[i], r.Certificate)
			require.Equal(t, offset, r.Offset)
			offset += r.Size
		}
		require.EqualValues(t, len(file), offset)
	})
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	chain := testChain(3, 1)
	file := logBytes(chain)
	whole, err := Parse(file)
	require.NoError(t, err)
	for i := range file {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			file[i] ^= flip
			records, err := Parse(file)
			file[i] ^= flip
			var damage *cert.RecordError
			require.ErrorAs(t, err, &damage, "byte %d", i)
			require.NotEqual(t, cert.RecordTorn, damage.Kind, "byte %d: damage must not look like a crash", i)
			require.LessOrEqual(t, damage.Offset, int64(i))
			good := 0
			for good < len(whole) && whole[good].Offset+whole[good].Size <= int64(i) {
				good++
			}
			require.Len(t, records, good, "byte %d: the records before the damage", i)
		}
	}
}

func TestEveryCutIsATornTailOrEndsARecord(t *testing.T) {
	file := logBytes(testChain(3, 1))
	whole, err := Parse(file)
	require.NoError(t, err)
	ends := map[int]bool{HeaderSize: true}
	for _, r := range whole {
		ends[int(r.Offset+r.Size)] = true
	}
	for n := range file {
		_, err := Parse(file[:n])
		if ends[n] {
			require.NoError(t, err, "cut to %d", n)
			continue
		}
		var damage *cert.RecordError
		require.ErrorAs(t, err, &damage, "cut to %d", n)
		if n < HeaderSize {
			require.Equal(t, BadHeader, damage.Kind)
		} else {
			require.Equal(t, cert.RecordTorn, damage.Kind)
		}
	}
}

func TestDamageToTheHeaderHasItsKind(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(b []byte) []byte
		want cert.RecordKind
	}{
		{"empty", func([]byte) []byte { return nil }, BadHeader},
		{"short", func(b []byte) []byte { return b[:15] }, BadHeader},
		{"magic", func(b []byte) []byte { b[0] = 'o'; return b }, BadMagic},
		{"magic before version", func(b []byte) []byte { b[7], b[9] = 'X', 2; return b }, BadMagic},
		{"version", func(b []byte) []byte { b[9] = 2; return b }, BadVersion},
		{"reserved", func(b []byte) []byte { b[15] = 1; return b }, BadHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, err := Parse(c.edit(AppendHeader(nil)))
			var damage *cert.RecordError
			require.ErrorAs(t, err, &damage)
			require.Equal(t, c.want, damage.Kind)
			require.Zero(t, damage.Offset)
			require.Empty(t, records)
		})
	}
}

func TestReadNamesTheFileAndTouchesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.cert")
	file := logBytes(testChain(2, 1))
	torn := file[:len(file)-1]
	require.NoError(t, os.WriteFile(path, torn, 0o400))
	records, err := Read(path)
	var damage *FileError
	require.ErrorAs(t, err, &damage)
	require.Equal(t, cert.RecordTorn, damage.Err.Kind)
	require.ErrorContains(t, err, path+": torn-tail at offset ")
	require.Len(t, records, 1)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, torn, got)

	_, err = Read(filepath.Dir(path))
	require.ErrorIs(t, err, durable.ErrNotRegular)
	_, err = Read(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestASingleCertificateIsALogOfOneRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.cert")
	chain := testChain(2, 1)
	for _, c := range chain { // the second replaces the first
		require.NoError(t, WriteFile(path, c))
		records, err := Read(path)
		require.NoError(t, err)
		require.Len(t, records, 1)
		require.Equal(t, c, records[0].Certificate)
	}
	tooMany := *chain[0]
	tooMany.Signatures = make([]cert.Signature, 1<<17)
	require.Error(t, WriteFile(path, &tooMany))
	records, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, chain[1], records[0].Certificate, "a refused write changes nothing")
}

func FuzzParseGivesBackWhatItRead(f *testing.F) {
	f.Add(logBytes(nil))
	f.Add(logBytes(testChain(2, 1)))
	f.Add(logBytes(testChain(1, 1))[:100])
	f.Add([]byte("OMEGACRT"))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, err := Parse(file)
		var chain []*cert.Certificate
		end := 0
		for _, r := range records {
			chain = append(chain, r.Certificate)
			end = int(r.Offset + r.Size)
		}
		if err == nil {
			require.Equal(t, file, logBytes(chain))
		} else if end > 0 {
			require.Equal(t, file[:end], logBytes(chain))
		}
	})
}
