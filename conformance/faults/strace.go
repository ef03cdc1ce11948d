package faults

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ErrTrace says that a line of strace is not understood.
var ErrTrace = errors.New("not a line of strace that can be replayed")

// Writing are the calls of the system that change what is on disk, as strace takes them.
const Writing = "write,writev,pwrite64,pwritev,openat,ftruncate,truncate,fsync,fdatasync,rename,renameat,renameat2," +
	"unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat,copy_file_range,sendfile,fallocate"

// RecordArgs are what strace is to be told so that Replay understands what it writes.
func RecordArgs(output string) []string {
	return []string{"-f", "-qq", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-e", "signal=none", "-e", "trace=" + Writing, "-o", output}
}

// Replay does on the disk what strace has seen, in order, and calls mark with what was
// written to the file marks, at the moment at which that begins.
func (d *Disk) Replay(r io.Reader, marks string, mark func(b []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	begun := map[string]string{} // by process: a call that is not over
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		process, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		call = strings.TrimSpace(call)
		if b, ok := markOf(call, marks); ok {
			if err := mark(b); err != nil {
				return err
			}
			continue
		}
		if front, ok := strings.CutSuffix(call, "<unfinished ...>"); ok {
			begun[process] = front
			continue
		}
		if strings.HasPrefix(call, "<... ") {
			_, rest, _ := strings.Cut(call, "resumed>")
			call = begun[process] + rest
			delete(begun, process)
		}
		if err := d.do(call); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// markOf returns what a call writes to the file marks.
func markOf(call, marks string) (b []byte, ok bool) {
	rest, ok := strings.CutPrefix(call, "write(")
	if !ok {
		return nil, false
	}
	args := arguments(rest)
	if len(args) < 2 || args[0].path != marks {
		return nil, false
	}
	return args[1].text, true
}

// argument is one of a call: a text, an open file with its path, or a word.
type argument struct {
	word string
	path string // of an open file
	text []byte
}

// arguments reads the arguments of a call up to its closing bracket.
func arguments(s string) (list []argument) {
	for s != "" && s[0] != ')' {
		s = strings.TrimLeft(s, ", ")
		var a argument
		switch {
		case strings.HasPrefix(s, `"`):
			text, rest, _ := strings.Cut(s[1:], `"`)
			a.text, s = unhex(text), rest
		default:
			end := strings.IndexAny(s, ",)<")
			if end < 0 {
				return append(list, argument{word: s})
			}
			a.word, s = strings.TrimSpace(s[:end]), s[end:]
			if s[0] == '<' {
				path, rest, _ := strings.Cut(s[1:], ">")
				a.path, s = string(unhex(path)), rest
			}
		}
		list = append(list, a)
	}
	return list
}

// unhex reads \x2f\x74...
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		return []byte(s)
	}
	return b
}

// do carries out one call, if it has not failed and is about the disk.
func (d *Disk) do(call string) error {
	name, rest, ok := strings.Cut(call, "(")
	at := strings.LastIndex(call, " = ")
	if !ok || at < 0 {
		return nil // a signal, or the end of a process
	}
	result, err := strconv.Atoi(strings.FieldsFunc(call[at+3:], func(r rune) bool { return r == ' ' || r == '<' })[0])
	if err != nil || result < 0 {
		return nil // failed, or the process was killed in it
	}
	args := arguments(rest)
	file := args[0].path
	switch name {
	case "openat":
		if flags := args[2].word; strings.Contains(flags, "O_CREAT") || strings.Contains(flags, "O_TRUNC") {
			d.Create(string(args[1].text), strings.Contains(flags, "O_TRUNC"))
		}
	case "write":
		d.Write(file, args[1].text[:result], -1)
	case "pwrite64":
		offset, err := strconv.Atoi(args[3].word)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrTrace, name)
		}
		d.Write(file, args[1].text[:result], offset)
	case "ftruncate":
		size, err := strconv.Atoi(args[1].word)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrTrace, name)
		}
		d.Truncate(file, size)
	case "fsync", "fdatasync":
		d.Sync(file)
	case "renameat", "renameat2":
		d.Rename(string(args[1].text), string(args[3].text))
	case "unlinkat":
		d.Remove(string(args[1].text))
	case "mkdirat":
		d.Mkdir(string(args[1].text))
	default:
		if d.touches(args) {
			return fmt.Errorf("%w: %s", ErrTrace, name)
		}
	}
	return nil
}

// touches reports whether a call is about something below the root.
func (d *Disk) touches(args []argument) bool {
	for _, a := range args {
		if strings.HasPrefix(a.path, d.root) || strings.HasPrefix(string(a.text), d.root) {
			return true
		}
	}
	return false
}
