package git

import "strings"

// spelling is a name and an e-mail, as a commit or a mailmap spells them.
type spelling struct{ name, email string }

func (s spelling) String() string {
	switch {
	case s.email == "":
		return s.name
	case s.name == "":
		return "<" + s.email + ">"
	}
	return s.name + " <" + s.email + ">"
}

// mailmap maps spellings to the proper ones, as gitmailmap(5) says. It is by
// e-mail in lower case.
type mailmap map[string]*mailmapEntry

// mailmapEntry is what a mailmap says of one e-mail. An empty name or e-mail
// stays as the commit has it.
type mailmapEntry struct {
	proper spelling
	named  map[string]spelling // by commit name in lower case; before proper
}

// parseMailmap reads a mailmap. As in git, a line that is not of one of the
// four forms says nothing.
func parseMailmap(text string) mailmap {
	m := make(mailmap)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		first, rest, found := cutContact(line)
		if !found || first.email == "" {
			continue
		}
		second, _, found := cutContact(rest)
		if !found {
			first, second = spelling{name: first.name}, spelling{email: first.email}
		}
		m.add(first, second)
	}
	return m
}

// blanks are what git takes off the ends of a name.
const blanks = " \t\r\n"

// cutContact reads "name <email>" at the start of s and returns what follows.
func cutContact(s string) (c spelling, rest string, found bool) {
	name, rest, opened := strings.Cut(s, "<")
	email, rest, closed := strings.Cut(rest, ">")
	if !opened || !closed {
		return spelling{}, "", false
	}
	return spelling{strings.Trim(name, blanks), email}, rest, true
}

// add enters that commits spelled old are properly spelled proper. An old
// spelling without a name stands for all names of its e-mail.
func (m mailmap) add(proper, old spelling) {
	email := lower(old.email)
	e := m[email]
	if e == nil {
		e = &mailmapEntry{named: make(map[string]spelling)}
		m[email] = e
	}
	if old.name != "" {
		e.named[lower(old.name)] = proper
		return
	}
	e.proper = proper.orElse(e.proper)
}

// lookup returns the proper form of a commit's spelling.
func (m mailmap) lookup(s spelling) spelling {
	e := m[lower(s.email)]
	if e == nil {
		return s
	}
	if proper, found := e.named[lower(s.name)]; found {
		return proper.orElse(s)
	}
	return e.proper.orElse(s)
}

// orElse returns s with what is empty in it taken from other.
func (s spelling) orElse(other spelling) spelling {
	if s.name == "" {
		s.name = other.name
	}
	if s.email == "" {
		s.email = other.email
	}
	return s
}

// lower returns s with the ASCII letters in lower case and all other bytes as
// they are.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
