package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// counter is a model that counts to Last; it is wrong where that is Limit.
const counter = `---- MODULE Counter ----
EXTENDS Naturals
CONSTANTS Last, Limit
VARIABLE n
Init == n = 0
Next == n' = IF n < Last THEN n + 1 ELSE 0
BelowLimit == n < Limit
====
`

const (
	// counterHeapMB is enough for a model of five states.
	counterHeapMB = 128
	// violated is TLC's exit status where an invariant does not hold.
	violated = 12
)

// testProtocol shows that TLC finds a planted violation, and none in the mended
// model (layer E).
func testProtocol(ctx context.Context, _ *Options) (string, error) {
	tlc, err := tools.OpenTLC(ctx)
	if err != nil {
		return "", err
	}
	if err := tools.NeedMB("TLC", 2*counterHeapMB); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	check := func(last int) (int, string, error) {
		config := fmt.Sprintf("INIT Init\nNEXT Next\nCONSTANTS Last = %d Limit = 4\nINVARIANT BelowLimit\n", last)
		for name, text := range map[string]string{"Counter.tla": counter, "Counter.cfg": config} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				return 0, "", err
			}
		}
		out, err := tlc.Command(ctx, dir, counterHeapMB, "-deadlock", "-workers", "1", "Counter").CombinedOutput()
		return exitStatus(err), string(out), nil
	}
	status, said, err := check(4)
	if err != nil {
		return "", err
	}
	if status != violated || !strings.Contains(said, "Invariant BelowLimit is violated") {
		return "", fmt.Errorf("TLC does not find a planted violation: status %d: %s", status, strings.TrimSpace(said))
	}
	status, said, err = check(3)
	if err != nil {
		return "", err
	}
	if status != 0 || !strings.Contains(said, "No error has been found") {
		return "", fmt.Errorf("TLC does not pass a model that holds: status %d: %s", status, strings.TrimSpace(said))
	}
	return fmt.Sprintf("TLC %s finds a planted violation and passes the mended model", tlc.Version), nil
}
