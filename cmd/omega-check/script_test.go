package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"omega-check": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *rewrite,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"omegafile": omegafile,
			"poke":      poke,
			"recrc":     recrc,
			"cut":       cut,
			"fifo":      fifo,
			"onejson":   onejson,
			"status":    status,
			"field":     jsonField,
			"same":      same,
			"hold":      hold,
			"helps":     helps,
			"freeport":  freeport,
			"listen":    listen,
			"comes":     comes,
			"answers":   answers,
			"comesto":   comesto,
		},
	})
}

// omegafile writes the `.omega` file that a text describes: omegafile TEXT FILE.
func omegafile(ts *testscript.TestScript, _ bool, args []string) {
	file, err := makeSection(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), file, 0o644))
}

// makeSection reads lines of two kinds:
//
//	node 7
//	event LAMPORT/NODE/STREAM/EVENT [value=THOUSANDTHS] [payload=WORD or "QUOTED"] [dep=LAMPORT/NODE/STREAM/EVENT]...
//
// where EVENT is up to 14 bytes in hex, and deps are written in increasing order.
func makeSection(text string) ([]byte, error) {
	var file []byte
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "node":
			node, err := strconv.ParseUint(words[1], 0, 32)
			if err != nil {
				return nil, err
			}
			file = frame.AppendHeader(file, frame.Header{Node: uint32(node)})
		case words[0] == "event":
			e, err := makeEvent(words[1:])
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			if file, err = frame.Append(file, e); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("unknown line %q", line)
		}
	}
	return file, nil
}

func makeEvent(words []string) ([]byte, error) {
	k, err := makeKey(words[0])
	if err != nil {
		return nil, err
	}
	e := event.Event{Key: k}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "value":
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return nil, err
			}
			e.Value = int32(n)
		case "payload":
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
			e.Payload = []byte(value)
		case "dep":
			dep, err := makeKey(value)
			if err != nil {
				return nil, err
			}
			e.Deps = append(e.Deps, dep)
		default:
			return nil, fmt.Errorf("unknown field %q", name)
		}
	}
	return e.Append(nil)
}

func makeKey(s string) (key.Key, error) {
	var lamport uint64
	var node uint32
	var stream uint16
	var id string
	if _, err := fmt.Sscanf(strings.ReplaceAll(s, "/", " "), "%d %d %d %s", &lamport, &node, &stream, &id); err != nil {
		return key.Key{}, fmt.Errorf("key %q: %w", s, err)
	}
	b, err := hex.DecodeString(id)
	if err != nil || len(b) > key.EventIDSize {
		return key.Key{}, fmt.Errorf("key %q: bad event id", s)
	}
	var event [key.EventIDSize]byte
	copy(event[key.EventIDSize-len(b):], b)
	return key.New(lamport, node, stream, event), nil
}

// poke overwrites bytes of a file: poke FILE OFFSET HEX.
func poke(ts *testscript.TestScript, _ bool, args []string) {
	file := []byte(ts.ReadFile(args[0]))
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := hex.DecodeString(args[2])
	ts.Check(err)
	if bytes.Equal(file[offset:offset+len(b)], b) {
		ts.Fatalf("%s has %x at %d already", args[0], b, offset)
	}
	copy(file[offset:], b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), file, 0o644))
}

// recrc overwrites bytes of a frame and gives it the crc of what it then holds:
// recrc FILE FRAME OFFSET HEX.
func recrc(ts *testscript.TestScript, neg bool, args []string) {
	poke(ts, neg, []string{args[0], args[2], args[3]})
	file := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	body := file[at+frame.Overhead:][:binary.BigEndian.Uint32(file[at:])]
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	crc := crc32.Update(crc32.Checksum(file[at:at+4], castagnoli), castagnoli, body)
	binary.BigEndian.PutUint32(file[at+4:], crc)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), file, 0o644))
}

// cut keeps the first bytes of a file: cut FILE SIZE.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// fifo makes a pipe: fifo PATH.
func fifo(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

// status runs the program and checks its exit status: status N ARGS...
// Output goes to the files stdout.txt and stderr.txt.
func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("sh", append([]string{"-c", `"$@" >stdout.txt 2>stderr.txt; echo $? >status.txt`, "sh", "omega-check"}, args[1:]...)...)
	ts.Check(err)
	got := strings.TrimSpace(ts.ReadFile("status.txt"))
	if got != strconv.Itoa(want) {
		ts.Fatalf("omega-check %s: exit status %s, want %d\nstdout:\n%s\nstderr:\n%s",
			strings.Join(args[1:], " "), got, want, ts.ReadFile("stdout.txt"), ts.ReadFile("stderr.txt"))
	}
}

// onejson checks that a file holds exactly one JSON object and no more, whose
// "ok" is the one given: onejson FILE true|false.
func onejson(ts *testscript.TestScript, _ bool, args []string) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var object map[string]any
	ts.Check(d.Decode(&object))
	if d.More() {
		ts.Fatalf("%s goes on after the first object", args[0])
	}
	if got := fmt.Sprint(object["ok"]); got != args[1] {
		ts.Fatalf("ok is %s, want %s", got, args[1])
	}
}

// jsonField puts a field of a JSON object into a variable: field VARIABLE FILE NAME...
// where a name is that of a field, or a place in an array.
func jsonField(ts *testscript.TestScript, _ bool, args []string) {
	var value any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[1])))
	d.UseNumber()
	ts.Check(d.Decode(&value))
	for _, name := range args[2:] {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			ts.Check(err)
			value = v[i]
		default:
			ts.Fatalf("%s: %v has no %s", args[1], value, name)
		}
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// hold opens the log of a data folder, so that it is in use until the script ends:
// hold DIR.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	log, err := certlog.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { ts.Check(log.Close()) })
}

// freeport puts an address of the loopback that nobody listens on now into a variable:
// freeport VARIABLE.
func freeport(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// listen takes an address until the script ends: listen HOST:PORT.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
}

// patience is how long a script waits for what another process is to do.
const patience = 60 * time.Second

// waits tries until the check gives "", and fails with what it gave last.
func waits(ts *testscript.TestScript, check func() string) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		why := check()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s", why)
		}
	}
}

// comes waits until a file is there: comes FILE.
func comes(ts *testscript.TestScript, _ bool, args []string) {
	waits(ts, func() string {
		if _, err := os.Stat(ts.MkAbs(args[0])); err != nil {
			return err.Error()
		}
		return ""
	})
}

// comesto runs the program with --json until a field of what it prints has a value:
// comesto FIELD VALUE ARGS...
func comesto(ts *testscript.TestScript, _ bool, args []string) {
	waits(ts, func() string {
		// An audit of what is just being written may fail.
		err := ts.Exec("sh", append([]string{"-c", `"$@" --json >comesto.txt 2>&1 || true`, "sh", "omega-check"}, args[2:]...)...)
		ts.Check(err)
		text := ts.ReadFile("comesto.txt")
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil || fmt.Sprint(object[args[0]]) != args[1] {
			return text
		}
		return ""
	})
}

// answers waits until a URL is answered with a status and a body that a regular
// expression matches: answers URL STATUS REGEXP.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[2])
	waits(ts, func() string {
		r, err := http.Get(args[0])
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		ts.Check(err)
		if strconv.Itoa(r.StatusCode) != args[1] || !want.Match(body) {
			return fmt.Sprintf("%s: status %d:\n%s", args[0], r.StatusCode, body)
		}
		return ""
	})
}

// same checks that two words are the same: same A B.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if (args[0] == args[1]) == neg {
		ts.Fatalf("%q and %q", args[0], args[1])
	}
}

// helps checks that stdout.txt lists every command that is not hidden, and that
// each has a short and a long text, an example, and the exit statuses.
func helps(ts *testscript.TestScript, _ bool, _ []string) {
	listed := ts.ReadFile("stdout.txt")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			walk(child)
			if child.Name() == "help" || child.Hidden {
				continue
			}
			if c.HasParent() == false && !strings.Contains(listed, "  "+child.Name()+" ") {
				ts.Fatalf("%s is not listed", child.CommandPath())
			}
			whole := child.HasSubCommands() || child.Example != "" && strings.Contains(child.Long, "Exit status: 0")
			if child.Short == "" || child.Long == "" || !whole {
				ts.Fatalf("%s lacks a part of its help", child.CommandPath())
			}
		}
	}
	walk(newRoot(&app{streams: &streams{out: io.Discard, err: io.Discard}}))
}
