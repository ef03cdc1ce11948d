package faults_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
)

// childEnv names the environment variable in which this program, started again by a
// test, finds what it is to be, and its arguments, with spaces between.
const childEnv = "OMEGA_FAULTS_CHILD"

// children are what this program can be.
var children = map[string]func(args []string) error{
	"record": recordLife,
	"member": beMember,
	"full":   beOnAFullDisk,
}

func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		enginetest.Main(m)
	}
	words := strings.Fields(text)
	if err := children[words[0]](words[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
