package doctor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// page computes the text of its body.
const page = `data:text/html,<body><script>document.body.textContent="omega "+(6*7)</script></body>`

// browserTime bounds a browser's start.
const browserTime = time.Minute

// testObservability shows that the browser runs a page's script. The console that
// it is for does not exist yet (layer G).
func testObservability(ctx context.Context, _ *Options) (string, error) {
	f := tools.Chromium().Find(ctx)
	if f.Err != nil {
		return "", f.Err
	}
	profile, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(profile)
	limited, cancel := context.WithTimeout(ctx, browserTime)
	defer cancel()
	cmd := tools.Command(limited, profile, nil, f.Path, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+profile, "--dump-dom", page)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("omega 42</body>")) {
		return "", fmt.Errorf("the browser does not run a page's script: %v: %s%s", err, out, stderr.Bytes())
	}
	return "the browser runs a page's script; the console that it is for is not part of this version", nil
}
