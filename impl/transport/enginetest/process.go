package enginetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// processEnv names the environment variable in which a process finds what engine it is to run.
const processEnv = "OMEGA_TEST_ENGINE"

// Process is an engine in a process of its own, so that it can be killed hard.
type Process struct {
	Options ProcessOptions
	URL     string
	command *exec.Cmd
}

// ProcessOptions are those of engine.Options that a process takes.
type ProcessOptions struct {
	Name, Listen, StoreDir string
	Cluster                *engine.Cluster
	Users                  []engine.User
	Guest                  *subject.Permissions
}

// StartProcess starts an engine in a process of its own: this program, whose
// TestMain is Main. It is killed when the test ends.
func StartProcess(t testing.TB, o ProcessOptions) *Process {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	p := &Process{Options: o, command: exec.Command(os.Args[0])}
	p.command.Env = append(os.Environ(), processEnv+"="+string(text))
	p.command.Stderr = os.Stderr
	_, err = p.command.StdinPipe() // it ends with this program
	require.NoError(t, err)
	out, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	t.Cleanup(p.Kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "the engine did not start")
	p.URL = strings.TrimSpace(line)
	return p
}

// Kill kills the process, if it still runs, and waits until it is gone.
func (p *Process) Kill() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
}

// serve runs the engine until its standard input ends, and says on standard output
// where it is.
func serve(text string) int {
	var o ProcessOptions
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTime)
		defer cancel()
		var e *engine.Engine
		e, err = engine.Start(ctx, engine.Options{
			Name: o.Name, Listen: o.Listen, StoreDir: o.StoreDir, Cluster: o.Cluster, Users: o.Users, Guest: o.Guest,
		})
		if err == nil {
			defer e.Stop()
			fmt.Println(e.URL())
			_, _ = io.Copy(io.Discard, os.Stdin)
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// FreeAddress returns an address of the loopback that nobody listens on now.
func FreeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// StartCluster starts an engine of n servers, each in a process of its own.
func StartCluster(t testing.TB, n int, users []engine.User) (all []*Process) {
	routes := make([]string, n)
	for i := range routes {
		routes[i] = FreeAddress(t)
	}
	for i := range n {
		all = append(all, StartProcess(t, ProcessOptions{
			Name: fmt.Sprintf("s%d", i), Listen: FreeAddress(t), StoreDir: t.TempDir(), Users: users,
			Cluster: &engine.Cluster{Name: "omega", Listen: routes[i], Routes: routes},
		}))
	}
	return all
}
