package tools

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// chromiumVariable names a Chromium of the user's own.
const chromiumVariable = "OMEGA_CHROMIUM"

// chromiumNames are the programs that are a Chromium.
var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome"}

// Chromium returns the browser.
func Chromium() Tool {
	return Tool{
		Name: "Chromium", Program: "chromium", VersionArgs: []string{"--version"}, Why: "looking at pages as people see them",
		Debian: []string{"chromium"}, Mend: "install Chromium, or name it in " + chromiumVariable, find: findChromium,
	}
}

func findChromium(ctx context.Context) Found {
	names, source := chromiumNames, SourcePath
	if own := os.Getenv(chromiumVariable); own != "" {
		names, source = []string{own}, chromiumVariable
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		f := Found{Path: path, Source: source}
		out, err := Command(ctx, "", nil, path, "--version").CombinedOutput()
		if f.Version = version(string(out)); err != nil || f.Version == "" {
			f.Err = fmt.Errorf("%s does not work: %v: %s", path, err, firstLine(string(out)))
		}
		return f
	}
	return Found{Err: fmt.Errorf("there is no %s in %s", names[0], source)}
}
