package audit

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// appendSigned appends a certificate that all members sign, whatever it says, and
// returns its offset in the log.
func appendSigned(t *testing.T, dir string, e cert.Envelope, body []byte) int64 {
	t.Helper()
	v, err := node.Read(dir)
	require.NoError(t, err)
	defer v.Close()
	c := &cert.Certificate{Envelope: e, Body: body}
	for _, m := range v.Chain.Roster {
		key, err := identity.Load(archive.KeyPath(dir, m.Name), nil)
		require.NoError(t, err)
		c.Signatures = append(c.Signatures, key.Sign(cert.VoteMessage(v.Chain.Name, e.Hash())))
	}
	log, err := certlog.Open(dir)
	require.NoError(t, err)
	require.NoError(t, errors.Join(log.Append(c), log.Close()))
	records, err := certlog.Read(certlog.Path(dir))
	require.NoError(t, err)
	return records[len(records)-1].Offset
}

// appendMerge appends the merge that the events would be on an empty past, with
// the change to its body, and writes its trace with the node in its header.
func appendMerge(t *testing.T, dir string, header uint32, change func(b *cert.MergeBody), events ...event.Event) (trace string) {
	t.Helper()
	v, err := node.Read(dir)
	require.NoError(t, err)
	defer v.Close()
	path := omegalogtest.WriteSection(t, t.TempDir(), "trace.omega", header, events...)
	s, err := node.OpenSections([]string{path})
	require.NoError(t, err)
	defer s.Close()
	r, err := s.Reconcile(invariant.Empty{})
	require.NoError(t, err)
	require.True(t, r.Merged())
	e, raw := node.MergeContent(&v.Chain, r)
	body, err := cert.ParseMergeBody(raw)
	require.NoError(t, err)
	change(body)
	raw = body.Append(nil)
	appendSigned(t, dir, cert.Seal(cert.Merge, e.TraceRoot, e.BatchID, e.Prev, raw), raw)
	trace = filepath.Join(dir, archive.TracePath(e.BatchID, e.TraceRoot))
	require.NoError(t, copyFile(path, trace))
	return trace
}

// TestWhatAllMembersSignedAgainstTheRulesIsFound has all members sign merges that
// the past does not allow, or whose trace is another.
func TestWhatAllMembersSignedAgainstTheRulesIsFound(t *testing.T) {
	same := func(*cert.MergeBody) {}
	other := omegalogtest.Event(1, 1)
	other.Value++
	for name, c := range map[string]struct {
		header uint32
		change func(b *cert.MergeBody)
		events []event.Event
		kind   string
	}{
		"a good one":   {frame.Mixed, same, []event.Event{omegalogtest.Event(9, 1)}, ""},
		"a repeat":     {frame.Mixed, same, []event.Event{omegalogtest.Event(1, 1)}, archive.KindRepeat},
		"rewritten":    {frame.Mixed, same, []event.Event{other}, "equivocation"},
		"a late one":   {frame.Mixed, same, []event.Event{{Key: omegalogtest.Key(0, 1)}}, "stale"},
		"not mixed":    {1, same, []event.Event{omegalogtest.Event(9, 1)}, archive.KindTraceOrder},
		"other maxima": {frame.Mixed, func(b *cert.MergeBody) { b.Streams[0].Stats.Max++ }, []event.Event{omegalogtest.Event(9, 1)}, archive.KindAnalytics},
	} {
		dir, _ := newFolder(t)
		trace := appendMerge(t, dir, c.header, c.change, c.events...)
		report := auditFolder(t, dir, Options{})
		if c.kind == "" {
			require.True(t, report.OK, "%v", report.FirstError)
			require.EqualValues(t, 5, report.Events)
			continue
		}
		require.False(t, report.OK, name)
		require.Equal(t, c.kind, report.FirstError.Kind, "%s: %v", name, report.FirstError)
		require.Equal(t, trace, report.FirstError.File, name)
		require.EqualValues(t, 4, report.FirstError.Height, name)
		require.EqualValues(t, 4, report.Events, "what was found right: %s", name)
		log, err := Log(certlog.Path(dir), Options{})
		require.NoError(t, err)
		require.True(t, log.OK, "the log alone does not show it: %s", name)
	}
}

func TestAnotherTraceOfTheRightFormIsFound(t *testing.T) {
	dir, _ := newFolder(t)
	trace := appendMerge(t, dir, frame.Mixed, func(*cert.MergeBody) {}, omegalogtest.Event(9, 1))
	require.NoError(t, copyFile(omegalogtest.WriteSection(t, t.TempDir(), "x.omega", frame.Mixed, omegalogtest.Event(10, 1)), trace))
	report := auditFolder(t, dir, Options{})
	require.Equal(t, archive.KindTraceRoot, report.FirstError.Kind)
	require.Equal(t, trace, report.FirstError.File)
}

// obstruct appends an obstruction of one key, of the kind and with the versions.
func obstruct(t *testing.T, dir string, kind cert.ObstructionKind, versions ...event.Event) int64 {
	t.Helper()
	v, err := node.Read(dir)
	require.NoError(t, err)
	defer v.Close()
	body := cert.ObstructionBody{Items: []cert.ObstructionItem{{Key: versions[0].Key, Kind: kind}}}
	for i := range versions {
		b, err := versions[i].Append(nil)
		require.NoError(t, err)
		body.Events = append(body.Events, b)
	}
	raw := body.Append(nil)
	return appendSigned(t, dir, cert.Seal(cert.Obstruction, merkle.EmptyRoot(), v.Chain.Length, v.Chain.Head, raw), raw)
}

func TestAnUnfoundedObstructionIsFound(t *testing.T) {
	dir, _ := newFolder(t)
	offset := obstruct(t, dir, cert.Stale, omegalogtest.Event(9, 1))
	report := auditFolder(t, dir, Options{})
	require.False(t, report.OK)
	require.Equal(t, archive.KindObstruction, report.FirstError.Kind)
	require.Equal(t, certlog.Path(dir), report.FirstError.File)
	require.Equal(t, offset+cert.BodyOffset, report.FirstError.Offset)
	require.EqualValues(t, 4, report.FirstError.Height)
}

// TestOnlyWhatIsNotCertifiedIsQuarantined shows a certified event beside another
// version of it.
func TestOnlyWhatIsNotCertifiedIsQuarantined(t *testing.T) {
	dir, _ := newFolder(t)
	other := omegalogtest.Event(1, 1)
	other.Value++
	obstruct(t, dir, cert.Equivocation, omegalogtest.Event(1, 1), other)
	report := auditFolder(t, dir, Options{})
	require.True(t, report.OK, "%v", report.FirstError)
	require.EqualValues(t, 2+1, report.Quarantined)
	require.EqualValues(t, 2, report.Obstructions)
}

func TestATraceThatChangesBehindTheAuditIsNamed(t *testing.T) {
	a := &auditor{chain: cert.Chain{Length: 7}}
	err := a.ruleFinding(&archive.TraceError{Path: "traces/x.omega", Err: errors.New("its events give another root")})
	var finding *Finding
	require.ErrorAs(t, err, &finding)
	require.Equal(t, archive.KindChanged, finding.Kind)
	require.Equal(t, "traces/x.omega", finding.File)
	require.EqualValues(t, 7, finding.Height)
	require.Equal(t, errTest, a.ruleFinding(errTest))
}

var errTest = errors.New("of no kind")
