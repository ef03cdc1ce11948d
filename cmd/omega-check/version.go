package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/spf13/cobra"
)

// versionResult is what `version` prints.
type versionResult struct {
	OK       bool           `json:"ok"`
	Version  string         `json:"version"`
	Go       string         `json:"go"`
	Platform string         `json:"platform"`
	Revision *string        `json:"revision"` // of the version control system, null where unknown
	Modified bool           `json:"modified"` // the checkout differed from the revision
	Formats  map[string]int `json:"formats"`
}

func (v *versionResult) text(t *text) {
	t.line("omega-check %s", v.Version)
	t.line("built with %s for %s", v.Go, v.Platform)
	switch {
	case v.Revision == nil:
		t.line("revision unknown")
	case v.Modified:
		t.line("revision %s, with changes", *v.Revision)
	default:
		t.line("revision %s", *v.Revision)
	}
	t.line("formats: .omega %d, .omega.sig %d, cert.log %d, vote file %d",
		v.Formats["omega"], v.Formats["omega_sig"], v.Formats["cert_log"], v.Formats["vote"])
}

func newVersion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and of its file formats",
		Long: `Prints the version of the program, the Go version that built it, the revision of
the source where the build knows it, and the version of each file format.`,
		Example: "  omega-check version\n  omega-check version --json",
	}
	return a.runs(c, true, func(context.Context, []string) (result, error) {
		info, _ := debug.ReadBuildInfo()
		return versionOf(info), nil
	})
}

// versionOf reads the build's record of itself; info may be nil.
func versionOf(info *debug.BuildInfo) *versionResult {
	v := &versionResult{
		OK: true, Version: "unknown", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Formats: map[string]int{
			"omega": frame.Version, "omega_sig": omegalog.SignatureVersion,
			"cert_log": certlog.Version, "vote": certlog.VoteVersion,
		},
	}
	if info == nil {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = &s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
