// Golden prints what the kernel makes of a fixed stream of numbers: keys,
// events, frames, orders, roots, proofs, figures, certificates and a chain,
// merges and obstructions, and every effect of a quorum's run. The same bytes
// must come out on every machine.
//
// Each line is `name hex`. What is long stands as its SHA-256. The numbers come
// from a generator of our own, so that no library can change them, and the keys
// from seeds of one repeated byte. testdata/golden.txt holds the expected lines:
//
//	go run ./conformance/golden > conformance/golden/testdata/golden.txt
//
// makes it again, after a deliberate change of a format and for no other reason.
// A test compares it with what this machine prints; the layer `arch` of verify
// builds the program for amd64, arm64 and s390x and compares each, the foreign
// ones under qemu. s390x is big-endian: code that reads memory in the machine's
// own byte order fails there.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	write(out)
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

// write prints all golden lines to w. An error of w is left to its Flush.
func write(w io.Writer) {
	p := &printer{w: w}
	writeNumbers(p)
	writeFormats(p)
	writeOrders(p)
	writeTrees(p)
	writeGluing(p)
	writeAgreement(p)
	writeChain(p)
}

// printer writes lines of `name hex`.
type printer struct{ w io.Writer }

// hex prints b in full.
func (p *printer) hex(name string, b []byte) { fmt.Fprintf(p.w, "%s %x\n", name, b) }

// digest prints the SHA-256 of b.
func (p *printer) digest(name string, b []byte) {
	sum := sha256.Sum256(b)
	p.hex(name, sum[:])
}

// text prints the bytes of s.
func (p *printer) text(name, s string) { p.hex(name, []byte(s)) }

// must returns v. An error here is a fault of this program: its input is fixed.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
