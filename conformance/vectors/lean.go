package vectors

import (
	"fmt"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// Values as Lean writes them, by the functions of prelude.lean. One value has one
// text, so that texts that differ mean values that differ.

// bytesText returns bytes as a term of the type Bytes.
func bytesText(b []byte) string {
	if len(b) == 0 {
		return "[]"
	}
	return fmt.Sprintf("(bytes %d 0x%x)", len(b), b)
}

// hexText returns bytes as one number.
func hexText(b []byte) string {
	digits := strings.TrimLeft(fmt.Sprintf("%x", b), "0")
	if digits == "" {
		return "0"
	}
	return "0x" + digits
}

func keyText(k key.Key) string { return "(k " + hexText(k[:]) + ")" }

func intText[N int | int32 | int64](n N) string {
	if n < 0 {
		return fmt.Sprintf("(%d)", n)
	}
	return fmt.Sprint(n)
}

// list returns a list, text saying what stands for an element.
func list[T any](elements []T, text func(T) string) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = text(e)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// option returns some value, or none.
func option[T any](value *T, text func(T) string) string {
	if value == nil {
		return "none"
	}
	return "(some " + text(*value) + ")"
}

func eventText(e event.Event) string {
	return fmt.Sprintf("⟨%s, %s, %s, %s⟩", keyText(e.Key), intText(e.Value), list(e.Deps, keyText), bytesText(e.Payload))
}

// impossible is a vector that Lean refuses: what Go gives is nothing that the
// specification knows.
func impossible(form, what string) Vector {
	return Vector{Form: form, Call: fmt.Sprintf("%q", what), Out: `"what the specification knows"`}
}
