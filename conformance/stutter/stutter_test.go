package stutter

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/linear"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

const root = "../.." // the checkout

func is(sentinel error) func(error) bool {
	return func(err error) bool { return errors.Is(err, sentinel) }
}

func as[E error]() func(error) bool {
	return func(err error) bool {
		var e E
		return errors.As(err, &e)
	}
}

func inFrame(k frame.Kind) func(error) bool {
	return func(err error) bool {
		var e *frame.Error
		return errors.As(err, &e) && e.Kind == k
	}
}

func inChain(k cert.CheckKind) func(error) bool {
	return func(err error) bool {
		var e *cert.CheckError
		return errors.As(err, &e) && e.Kind == k
	}
}

func inRecord(k cert.RecordKind) func(error) bool {
	return func(err error) bool {
		var e *cert.RecordError
		return errors.As(err, &e) && e.Kind == k
	}
}

func inRule(kind string) func(error) bool {
	return func(err error) bool {
		var e *archive.RuleError
		return errors.As(err, &e) && e.Kind == kind
	}
}

// classes tell whether an error is of a class.
var classes = map[string]func(error) bool{
	"archive.ErrFrontier": is(archive.ErrFrontier), "archive.RuleError": as[*archive.RuleError](), "archive.TraceError": as[*archive.TraceError](),
	"archive.KindAnalytics": inRule(archive.KindAnalytics), "archive.KindChanged": inRule(archive.KindChanged),
	"archive.KindObstruction": inRule(archive.KindObstruction), "archive.KindRepeat": inRule(archive.KindRepeat),
	"archive.KindTraceOrder": inRule(archive.KindTraceOrder), "archive.KindTraceRoot": inRule(archive.KindTraceRoot),

	"cert.ErrBody": is(cert.ErrBody), "cert.ErrRoster": is(cert.ErrRoster), "cert.CheckError": as[*cert.CheckError](), "cert.RecordError": as[*cert.RecordError](),
	"cert.KindBody": inChain(cert.KindBody), "cert.KindBodyHash": inChain(cert.KindBodyHash), "cert.KindEnvelopesRoot": inChain(cert.KindEnvelopesRoot),
	"cert.KindHeight": inChain(cert.KindHeight), "cert.KindID": inChain(cert.KindID), "cert.KindPrev": inChain(cert.KindPrev),
	"cert.KindRosterHash": inChain(cert.KindRosterHash), "cert.KindSignature": inChain(cert.KindSignature),
	"cert.KindSignatureCount": inChain(cert.KindSignatureCount), "cert.KindState": inChain(cert.KindState),
	"cert.KindTraceRoot": inChain(cert.KindTraceRoot), "cert.KindType": inChain(cert.KindType),
	"cert.RecordBad": inRecord(cert.RecordBad), "cert.RecordCRC": inRecord(cert.RecordCRC), "cert.RecordLength": inRecord(cert.RecordLength), "cert.RecordTorn": inRecord(cert.RecordTorn),

	"certlog.BadHeader": inRecord(certlog.BadHeader), "certlog.BadMagic": inRecord(certlog.BadMagic), "certlog.BadVersion": inRecord(certlog.BadVersion),
	"certlog.ErrClosed": is(certlog.ErrClosed), "certlog.ErrFatal": is(certlog.ErrFatal), "certlog.ErrNext": is(certlog.ErrNext), "certlog.ErrNoMember": is(certlog.ErrNoMember),
	"certlog.FileError": as[*certlog.FileError](), "certlog.LockedError": as[*certlog.LockedError](), "certlog.VoteError": as[*certlog.VoteError](),
	"durable.ErrNotRegular": is(durable.ErrNotRegular), "durable.UnknownError": as[*durable.UnknownError](),

	"event.ErrDepOrder": is(event.ErrDepOrder), "event.ErrLeftOver": is(event.ErrLeftOver), "event.ErrShort": is(event.ErrShort), "event.ErrTooLarge": is(event.ErrTooLarge),
	"frame.Error": as[*frame.Error](), "frame.BadEvent": inFrame(frame.BadEvent), "frame.BadHeader": inFrame(frame.BadHeader), "frame.BadMagic": inFrame(frame.BadMagic),
	"frame.BadVersion": inFrame(frame.BadVersion), "frame.FrameCRC": inFrame(frame.FrameCRC), "frame.FrameLength": inFrame(frame.FrameLength), "frame.TornTail": inFrame(frame.TornTail),
	"invariant.ErrChanged": is(invariant.ErrChanged), "invariant.InputError": as[*invariant.InputError](), "section.DamageError": as[*section.DamageError](),
	"merkle.ErrIndex": is(merkle.ErrIndex), "merkle.ErrOldRoot": is(merkle.ErrOldRoot), "merkle.ErrProofLength": is(merkle.ErrProofLength),
	"merkle.ErrRoot": is(merkle.ErrRoot), "merkle.ErrSize": is(merkle.ErrSize), "order.ErrOffset": is(order.ErrOffset), "order.ErrSource": is(order.ErrSource),

	"omegalog.ChangedError": as[*omegalog.ChangedError](), "omegalog.Error": as[*omegalog.Error](), "omegalog.ErrMixed": is(omegalog.ErrMixed),
	"omegalog.ErrSignatureChain": is(omegalog.ErrSignatureChain), "omegalog.ErrSignatureCount": is(omegalog.ErrSignatureCount),
	"omegalog.ErrSignatureFormat": is(omegalog.ErrSignatureFormat), "omegalog.ErrSignatureKey": is(omegalog.ErrSignatureKey),
	"omegalog.ErrSignatureNode": is(omegalog.ErrSignatureNode), "omegalog.ErrSignatureRoot": is(omegalog.ErrSignatureRoot),
	"omegalog.ErrSignatureSigner": is(omegalog.ErrSignatureSigner), "omegalog.ErrWriterClosed": is(omegalog.ErrWriterClosed),

	"quorum.ErrCandidate": is(quorum.ErrCandidate), "quorum.ErrCertificate": is(quorum.ErrCertificate), "quorum.ErrDisk": is(quorum.ErrDisk),
	"quorum.ErrDiskAhead": is(quorum.ErrDiskAhead), "quorum.ErrEncoding": is(quorum.ErrEncoding), "quorum.ErrHalted": is(quorum.ErrHalted),
	"quorum.ErrNonce": is(quorum.ErrNonce), "quorum.ErrNotAddressee": is(quorum.ErrNotAddressee), "quorum.ErrNotPrepared": is(quorum.ErrNotPrepared),
	"quorum.ErrNotReady": is(quorum.ErrNotReady), "quorum.ErrNotStarted": is(quorum.ErrNotStarted), "quorum.ErrPrepared": is(quorum.ErrPrepared),
	"quorum.ErrProof": is(quorum.ErrProof), "quorum.ErrJoining": is(quorum.ErrJoining), "quorum.ErrSignature": is(quorum.ErrSignature),
	"quorum.ErrStaleAttempt": is(quorum.ErrStaleAttempt), "quorum.ErrStarted": is(quorum.ErrStarted), "quorum.ErrUnknownMember": is(quorum.ErrUnknownMember),
	"quorum.ErrUnwanted": is(quorum.ErrUnwanted), "quorum.ErrWrongAttempt": is(quorum.ErrWrongAttempt), "quorum.ErrWrongChain": is(quorum.ErrWrongChain),
	"quorum.ErrWrongHeight": is(quorum.ErrWrongHeight), "quorum.ErrWrongRoster": is(quorum.ErrWrongRoster),
}

// unprovoked are functions that no input makes fail, with the reason.
var unprovoked = map[string]string{
	"certlog.Log.Close":           "only a failing close of the system makes it fail",
	"omegalog.OmegaLogView.Close": "only a failing close of the system makes it fail",
	"omegalog.Arena.Close":        "only a failing close of the system makes it fail",
	"archive.Past.Close":          "only a failing close of the system makes it fail",
	"durable.Cause":               "it takes an error apart and has none of its own",
	"archive.Past.Err":            "it tells the error of an earlier call and does nothing",
}

// seen counts the errors that functions have returned, and of which classes: of
// classes those only that come in every run, whatever rapid draws.
var seen = struct{ functions, classes map[string]int }{map[string]int{}, map[string]int{}}

// T is *testing.T or *rapid.T.
type T interface {
	require.TestingT
	Helper()
}

// A probe is one function being asked for errors.
type probe struct {
	*testing.T
	function string
}

// refused notes an error of the function; err must be one.
func (p probe) refused(t T, err error) {
	t.Helper()
	require.Error(t, err, p.function)
	seen.functions[p.function]++
	if _, drawn := t.(*rapid.T); drawn {
		return
	}
	for name, matches := range classes {
		if matches(err) {
			seen.classes[name]++
		}
	}
}

// subjects are all functions, by name.
func subjects() map[string]func(p probe) {
	all := map[string]func(p probe){}
	for _, some := range []map[string]func(p probe){kernelSubjects(), stepSubjects(), logSubjects(), fileSubjects(), archiveSubjects()} {
		maps.Copy(all, some)
	}
	return all
}

func TestErrorIsStutter(t *testing.T) {
	all := subjects()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { all[name](probe{t, name}) })
	}
}

// TestEveryErrorIsProvoked looks at what TestErrorIsStutter has seen, and asks those
// functions that were left out of it.
func TestEveryErrorIsProvoked(t *testing.T) {
	all := subjects()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if seen.functions[name] == 0 {
			t.Run(name, func(t *testing.T) { all[name](probe{t, name}) })
		}
	}
	functions, err := linear.Functions(root, Folders...)
	require.NoError(t, err)
	counted := 0
	for _, f := range functions {
		if !f.Fails || linear.IsText(f.Name) {
			continue
		}
		reason, excepted := unprovoked[f.Name]
		require.Equal(t, excepted, seen.functions[f.Name] == 0, "%s: %d errors; exception: %q", f.Name, seen.functions[f.Name], reason)
		if !excepted {
			counted++
		}
	}
	require.Len(t, all, counted, "subjects of functions that are not there")
	names, err := Classes(root, Folders...)
	require.NoError(t, err)
	require.Equal(t, names, slices.Sorted(maps.Keys(classes)))
	errorsSeen := 0
	for _, name := range names {
		require.Positive(t, seen.classes[name], "no error of the class %s was seen", name)
	}
	for _, n := range seen.functions {
		errorsSeen += n
	}
	layer.Count(t, "functions", counted)
	layer.Count(t, "error_classes", len(names))
	layer.Measure(t, "errors_provoked", errorsSeen)
}

// appending calls a function that appends to a slice, and requires that a failing
// call gives the slice back as it was, with the room behind it.
func (p probe) appending(t T, do func(b []byte) ([]byte, error)) {
	t.Helper()
	whole := bytes.Repeat([]byte{0xA5}, 256)
	b := whole[:7]
	got, err := do(b)
	if err == nil {
		return
	}
	p.refused(t, err)
	require.Len(t, got, len(b), p.function)
	require.Equal(t, cap(b), cap(got), "%s: another slice was returned", p.function)
	require.Same(t, &whole[0], &got[0], "%s: another slice was returned", p.function)
	require.Equal(t, bytes.Repeat([]byte{0xA5}, 256), whole, "%s: the slice, or the room behind it, was written to", p.function)
}

// reading calls a function that reads bytes, of which valid are some, on those and on
// damaged ones; where it fails it must leave the bytes as they are, and return
// nothing.
func reading[V any](p probe, valid [][]byte, read func(b []byte) (V, error)) {
	var none V
	try := func(t T, b []byte) {
		before := bytes.Clone(b)
		v, err := read(b)
		require.True(t, bytes.Equal(before, b), "%s: its input was changed", p.function)
		if err != nil {
			p.refused(t, err)
			require.Equal(t, none, v, "%s: a value with an error", p.function)
		}
	}
	for _, b := range valid {
		try(p, b)
	}
	rapid.Check(p.T, func(t *rapid.T) { try(t, damage(t, valid)) })
}

// damage draws bytes, and damages them.
func damage(t *rapid.T, valid [][]byte) []byte {
	b := bytes.Clone(rapid.SampledFrom(valid).Draw(t, "valid"))
	if len(b) > 1<<20 {
		return b
	}
	for range rapid.IntRange(0, 3).Draw(t, "times") {
		at := rapid.IntRange(0, len(b)).Draw(t, "at")
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0:
			b = b[:at]
		case 1:
			b = append(b, rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "more")...)
		case 2:
			b = slices.Insert(b, at, rapid.Byte().Draw(t, "byte"))
		default:
			if at < len(b) {
				b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		}
	}
	return b
}

// text is a long name's repetition, for what is too long.
func text(n int) string { return strings.Repeat("a", n) }
