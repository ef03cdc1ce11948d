package examples

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func TestBreachesAndDamageAreNamedAsInTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Rules  []struct {
			Kind   cert.CheckKind
			Height uint64
			Record Hex
		}
		Records, Logs []struct {
			Kind  cert.RecordKind
			Bytes Hex
		}
	}](t, "breaches")
	for i, x := range examples.Rules {
		chain, _, _ := certified(t, x.Height)
		c, _, err := cert.NextRecord(x.Record, 0)
		require.NoError(t, err)
		after, err := chain.Check(c)
		var broken *cert.CheckError
		require.ErrorAs(t, err, &broken, "rule %d: %s", i, x.Kind)
		require.Equal(t, x.Kind, broken.Kind, "rule %d: %v", i, err)
		require.Equal(t, x.Height, broken.Height)
		require.Equal(t, chain, after)
	}
	for i, x := range examples.Records {
		_, _, err := cert.NextRecord(x.Bytes, 0)
		var damage *cert.RecordError
		require.ErrorAs(t, err, &damage, "record %d: %s", i, x.Kind)
		require.Equal(t, x.Kind, damage.Kind, "record %d: %v", i, err)
	}
	for i, x := range examples.Logs {
		_, err := certlog.Parse(x.Bytes)
		var damage *cert.RecordError
		require.ErrorAs(t, err, &damage, "log %d: %s", i, x.Kind)
		require.Equal(t, x.Kind, damage.Kind, "log %d: %v", i, err)
		require.Zero(t, damage.Offset)
	}
}

func TestTheLogOfTheExamplesIsReadWhole(t *testing.T) {
	examples := load[certificateExamples](t, "certificates")
	records, err := certlog.Parse(examples.Log)
	require.NoError(t, err)
	require.Len(t, records, len(examples.Certificates))
	for i, r := range records {
		require.Equal(t, examples.Certificates[i].Offset, r.Offset)
		require.Equal(t, int64(len(examples.Certificates[i].Record)), r.Size)
	}
}
