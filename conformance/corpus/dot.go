package corpus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// DotError says that a line of a dump is none that TLC writes, or contradicts
// another.
type DotError struct {
	Line int // from 1
	What string
}

func (e *DotError) Error() string { return fmt.Sprintf("line %d of TLC's dump: %s", e.Line, e.What) }

// dotNode and dotEdge are lines of a dump. Ids are TLC's fingerprints.
type dotNode struct {
	id      int64
	state   string // as TLC prints states
	initial bool
}

type dotEdge struct{ from, to int64 }

var (
	dotNodePattern = regexp.MustCompile(`^(-?\d+) \[label="((?:[^"\\]|\\.)*)"(,style = filled)?\];?$`)
	dotEdgePattern = regexp.MustCompile(`^(-?\d+) -> (-?\d+) \[label="[^"]*",color="black",fontcolor="black"\];$`)
	dotRankPattern = regexp.MustCompile(`^\{rank = same; (-?\d+;)*\}$`)
	dotEscapes     = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

// readDot reads what TLC writes for `-dump dot,actionlabels`: a first part, lines
// of nodes and edges, and an end, without which it is cut short.
func readDot(in io.Reader, node func(dotNode) error, edge func(dotEdge) error) error {
	lines := bufio.NewReader(in)
	closed := 0
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == "" {
			if closed != 2 {
				return &DotError{n, "the dump is cut short"}
			}
			return nil
		}
		if what := readDotLine(strings.TrimSuffix(line, "\n"), n, &closed, node, edge); what != nil {
			return &DotError{n, what.Error()}
		}
	}
}

// dotHead are the lines with which a dump begins.
var dotHead = []string{"strict digraph DiskGraph {", "nodesep=0.35;", "subgraph cluster_graph {", `color="white";`}

func readDotLine(line string, n int, closed *int, node func(dotNode) error, edge func(dotEdge) error) error {
	switch {
	case n <= len(dotHead):
		if line == dotHead[n-1] {
			return nil
		}
	case line == "}" && *closed < 2:
		*closed++
		return nil
	case *closed > 0:
		return errors.New("the dump goes on after its end")
	case dotRankPattern.MatchString(line):
		return nil
	}
	if m := dotEdgePattern.FindStringSubmatch(line); m != nil {
		from, err := strconv.ParseInt(m[1], 10, 64)
		to, err2 := strconv.ParseInt(m[2], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		return edge(dotEdge{from, to})
	}
	if m := dotNodePattern.FindStringSubmatch(line); m != nil {
		id, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return err
		}
		return node(dotNode{id, dotEscapes.Replace(m[2]), m[3] != ""})
	}
	return fmt.Errorf("%.80q is no line of a dump", line)
}
