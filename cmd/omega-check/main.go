// Command omega-check turns the logs of several parties into one certified
// history, and lets anyone check that history again from raw bytes.
//
// It is thin: each command reads its flags, calls one package, and prints what
// came back, as text for people or, with --json, as exactly one object on
// stdout (clause CLI-2). Diagnostics go to stderr. The exit status says what the
// answer is (CLI-1):
//
//	0  it holds
//	1  the answer is no: a damaged frame, an obstruction, a failed audit
//	2  wrong usage
//	3  something that is needed is missing: a file, a key, a tool
//
// and 128 + the signal's number where SIGINT or SIGTERM ended the work (130,
// 143). A refusal that no result describes is the object (CLI-3)
//
//	{"ok":false,"error":{"kind","file","offset","message"}}
//
// One command is one file here. What they share: root.go runs them, output.go
// prints, progress.go tells that work goes on, exit.go holds the statuses.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
