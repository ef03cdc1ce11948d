package importer

import (
	"strconv"
	"unicode/utf8"
)

// MaxText is how many bytes of a text a payload holds at most (IMP-16).
const MaxText = 1024

// LongText is the cause of notes about texts that were cut to MaxText.
const LongText = "long-text"

// AppendLine appends a line of a payload: name, space, the text escaped as in
// names.tsv, line feed. Without a text there is no line. A text longer than
// MaxText is cut, between characters where it has any, and noted.
func (in *Inputs) AppendLine(b []byte, name string, text []byte, at Place) []byte {
	if len(text) == 0 {
		return b
	}
	b = append(append(b, name...), ' ')
	if len(text) > MaxText {
		n := MaxText
		for n > MaxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		in.Note(LongText, at, func() string {
			return "the " + name + " has " + strconv.Itoa(len(text)) + " bytes, the first " + strconv.Itoa(n) + " are kept"
		})
		text = text[:n]
	}
	return append(AppendText(b, text), '\n')
}
