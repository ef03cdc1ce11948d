package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/spf13/cobra"
)

// ingestResult is what `ingest` prints.
type ingestResult struct {
	OK    bool       `json:"ok"`
	Files []ingested `json:"files"`

	took time.Duration
}

// ingested is what one file holds. Node is null where the header is bad, the
// keys where no frame is good; frames counts the good ones before the error.
type ingested struct {
	File     string     `json:"file"`
	Node     *uint32    `json:"node"`
	Frames   uint64     `json:"frames"`
	Bytes    int64      `json:"bytes"` // of the file
	FirstKey *string    `json:"first_key"`
	LastKey  *string    `json:"last_key"`
	Sorted   bool       `json:"sorted"`
	Error    *fileError `json:"error"`
}

func newIngest(a *app) *cobra.Command {
	var paths []string
	c := &cobra.Command{
		Use:   "ingest --input FILE...",
		Short: "Check logs frame by frame",
		Long: `Maps .omega files and checks the header, the frame boundaries, each frame's CRC
and each event, and says how many frames there are and how fast they were read.

A damaged file is reported with the kind of damage and the offset of the header or
frame, and the frames before it are counted; the other files are reported all the
same. The kinds: bad-magic bad-version bad-header frame-length frame-crc torn-tail
bad-event. A file that is missing, or is a folder or a pipe, is exit status 3.`,
		Example: `  omega-check ingest --input alice.omega --input bob.omega
  omega-check ingest --input alice.omega --json`,
	}
	inputFlag(c, &paths)
	return a.runs(c, true, func(context.Context, []string) (result, error) {
		sections, err := openSections(paths)
		if err != nil {
			return nil, err
		}
		defer sections.Close()
		p := a.progress("checking " + plural(len(paths), "file"))
		defer p.end()
		return ingest(sections.Views, p)
	})
}

func ingest(views []*omegalog.OmegaLogView, p *progress) (result, error) {
	r := &ingestResult{OK: true, Files: make([]ingested, 0, len(views))}
	start := time.Now()
	for i, v := range views {
		p.step(i, len(views))
		f, err := ingestFile(v)
		if err != nil {
			return nil, err
		}
		r.OK = r.OK && f.Error == nil
		r.Files = append(r.Files, f)
	}
	r.took = time.Since(start)
	if !r.OK {
		return r, answerNo()
	}
	return r, nil
}

func ingestFile(v *omegalog.OmegaLogView) (ingested, error) {
	f := ingested{File: v.Name(), Bytes: int64(len(v.Bytes()))}
	arena := archive.NewArena()
	defer arena.Close()
	var sum section.Summary
	err := omegalog.Guard(func() (err error) {
		sum, err = section.Scan(v.Bytes(), archive.Workers(arena))
		return err
	}, v)
	var bad *frame.Error
	switch {
	case errors.As(err, &bad):
		f.Error = &fileError{string(bad.Kind), bad.Offset, bad.Message}
	case err != nil:
		return f, err
	}
	if bad == nil || bad.Offset > 0 {
		f.Node = &sum.Node
	}
	f.Frames, f.Sorted = sum.Frames, sum.Sorted
	if sum.Frames > 0 {
		first, last := sum.First.String(), sum.Last.String()
		f.FirstKey, f.LastKey = &first, &last
	}
	return f, nil
}

func (r *ingestResult) text(t *text) {
	rows := [][]string{{"FILE", "NODE", "FRAMES", "BYTES", "ORDER", "RESULT"}}
	var frames uint64
	var bytes int64
	bad := 0
	for i := range r.Files {
		f := &r.Files[i]
		frames += f.Frames
		bytes += f.Bytes
		verdict := "ok"
		if f.Error != nil {
			bad++
			verdict = fmt.Sprintf("%s at offset %d: %s", f.Error.Kind, f.Error.Offset, f.Error.Message)
		}
		rows = append(rows, []string{printable(f.File), f.nodeName(), count(f.Frames), count(f.Bytes), f.order(), verdict})
	}
	t.table(rows)
	t.line("%s, %s, %s in %s: %s a second, %s frames a second",
		plural(len(r.Files), "file"), plural(frames, "frame"), size(float64(bytes)), duration(r.took),
		size(rate(float64(bytes), r.took)), count(uint64(rate(float64(frames), r.took))))
	if bad > 0 {
		t.line("%s", t.bad(fmt.Sprintf("%s of %d damaged", plural(bad, "file"), len(r.Files))))
	} else {
		t.line("%s", t.good("every frame holds"))
	}
}

func (f *ingested) nodeName() string {
	switch {
	case f.Node == nil:
		return "-"
	case *f.Node == frame.Mixed:
		return "mixed"
	}
	return strconv.FormatUint(uint64(*f.Node), 10)
}

func (f *ingested) order() string {
	switch {
	case f.Frames == 0:
		return "-"
	case f.Sorted:
		return "sorted"
	}
	return "not sorted"
}
