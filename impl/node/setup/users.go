package setup

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// UsersName is the file of who may connect to the engine, in the data folder (NOD-2).
const UsersName = "users"

const usersMark = "omega-users v1"

// The kinds of users.
const (
	MemberUser   = "member"
	ClientUser   = "client"
	ObserverUser = "observer"
)

// User is one line of a users file.
type User struct {
	Kind  string
	Name  string // a member's is that of the roster
	Nkey  string // the public half
	Nodes []uint32
}

// The ways in which a users file is refused. Match with errors.Is.
var (
	ErrUsersMark = errors.New("the first line is not " + usersMark)
	ErrUserLine  = errors.New("not member NAME NKEY, client NAME NKEY NODES or observer NAME NKEY")
	ErrUserNkey  = errors.New("not the public half of a user's nkey, which begins with U")
	ErrUserTwice = errors.New("the same nkey as in a line before")
)

// maxUsers bounds a users file.
const maxUsers = 10_000

// ParseUsers reads who may connect: the line "omega-users v1", then a line for each,
// ended by a line feed, its words parted by one space (NOD-2). Empty lines and lines that begin with
// # say nothing. The error is *FileError, without a path.
func ParseUsers(text []byte) ([]User, error) {
	lines := strings.Split(string(text), "\n")
	if lines[0] != usersMark {
		return nil, &FileError{"", 1, ErrUsersMark}
	}
	var users []User
	seen := map[string]bool{}
	for i, line := range lines[1:] {
		if line == "" || line[0] == '#' {
			continue
		}
		u, err := parseUser(line)
		if err == nil && seen[u.Nkey] {
			err = ErrUserTwice
		}
		if err == nil && len(users) == maxUsers {
			err = fmt.Errorf("more than %d users", maxUsers)
		}
		if err != nil {
			return nil, &FileError{"", i + 2, err}
		}
		seen[u.Nkey] = true
		users = append(users, u)
	}
	return users, nil
}

func parseUser(line string) (User, error) {
	words := strings.Split(line, " ")
	if len(words) < 3 {
		return User{}, ErrUserLine
	}
	u := User{Kind: words[0], Name: words[1], Nkey: words[2]}
	if err := cert.CheckName(u.Name); err != nil {
		return User{}, err
	}
	if !nkeys.IsValidPublicUserKey(u.Nkey) {
		return User{}, ErrUserNkey // what it is instead may be a secret
	}
	var err error
	switch rest := words[3:]; {
	case (u.Kind == MemberUser || u.Kind == ObserverUser) && len(rest) == 0:
	case u.Kind == ClientUser && len(rest) == 1:
		u.Nodes, err = parseNodes(rest[0])
	default:
		err = ErrUserLine
	}
	if err != nil {
		return User{}, fmt.Errorf("%w: %q", ErrUserLine, line)
	}
	return u, nil
}

// parseNodes reads node ids in decimal with commas between, or - for none.
func parseNodes(word string) ([]uint32, error) {
	if word == "-" {
		return nil, nil
	}
	var nodes []uint32
	for _, w := range strings.Split(word, ",") {
		n, err := strconv.ParseUint(w, 10, 32)
		if err != nil || w != strconv.FormatUint(n, 10) {
			return nil, ErrUserLine
		}
		nodes = append(nodes, uint32(n))
	}
	return nodes, nil
}

// FormatUsers writes what ParseUsers reads.
func FormatUsers(users []User) []byte {
	var b strings.Builder
	b.WriteString(usersMark + "\n")
	for _, u := range users {
		fmt.Fprintf(&b, "%s %s %s", u.Kind, u.Name, u.Nkey)
		if u.Kind == ClientUser {
			b.WriteString(" " + FormatNodes(u.Nodes))
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// FormatNodes writes node ids with commas between, or - for none (NOD-2).
func FormatNodes(nodes []uint32) string {
	if len(nodes) == 0 {
		return "-"
	}
	words := make([]string, len(nodes))
	for i, n := range nodes {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(words, ",")
}

// LoadUsers reads a users file. The error is *FileError, or says why it cannot be read.
func LoadUsers(path string) ([]User, error) {
	text, err := readRegular(path)
	if err != nil {
		return nil, err
	}
	users, err := ParseUsers(text)
	var bad *FileError
	if errors.As(err, &bad) {
		bad.Path = path
	}
	return users, err
}

// SaveUsers writes a users file, durably; one that is there is replaced.
func SaveUsers(path string, users []User) error {
	return durable.WriteFile(durable.OS{}, path, FormatUsers(users), 0o644)
}

// engineUsers gives each user its permissions under the roster in force and the one
// before it: who has missed the change between them must be able to hear of it (QRM-24).
// A member may be an observer too: it is one before the roster has its key (NOD-2).
func engineUsers(chain subject.Chain, rosters []cert.Roster, users []User) (all []engine.User) {
	for _, u := range users {
		var p subject.Permissions
		switch u.Kind {
		case ClientUser:
			p = chain.Client(u.Nodes...)
		case ObserverUser, MemberUser:
			p = chain.Observer(u.Nkey)
		}
		for _, roster := range rosters {
			for i := range roster {
				if u.Kind == MemberUser && roster[i].Name == u.Name {
					p = p.Both(chain.Member(i, &roster[i]))
				}
			}
		}
		all = append(all, engine.User{Nkey: u.Nkey, Permissions: p})
	}
	return all
}

// missingUsers returns the members of the roster that could not connect.
func missingUsers(roster cert.Roster, users []User) (names []string) {
	for i := range roster {
		found := false
		for _, u := range users {
			found = found || u.Kind == MemberUser && u.Name == roster[i].Name
		}
		if !found {
			names = append(names, roster[i].Name)
		}
	}
	return names
}
