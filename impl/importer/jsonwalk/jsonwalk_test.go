package jsonwalk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// rebuild makes of a value what encoding/json makes of it, with the cursor's
// methods alone.
func rebuild(c *Cursor) any {
	if c.IsObject() {
		object := map[string]any{}
		for name := range c.Members() {
			object[valid(name)] = rebuild(c)
		}
		return object
	}
	if c.IsArray() {
		array := []any{}
		for range c.Elements() {
			array = append(array, rebuild(c))
		}
		return array
	}
	if text, ok := c.Text(); ok {
		return valid(text)
	}
	if number, ok := c.Number(); ok {
		return json.Number(number)
	}
	if c.Null() {
		return nil
	}
	return string(c.Skip()) == "true"
}

// valid replaces each byte that is no UTF-8, as encoding/json does.
func valid(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		b.WriteRune(r)
		text = text[n:]
	}
	return b.String()
}

// compare requires that a whole value is taken if and only if encoding/json takes
// it, and that both read the same.
func compare(t require.TestingT, b []byte) {
	start, end, err := Next(b, 0)
	whole := err == nil && len(bytes.Trim(b[end:], " \t\r\n")) == 0
	require.Equal(t, json.Valid(b), whole, "%q: %v", b, err)
	if !whole {
		return
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var want any
	require.NoError(t, d.Decode(&want))
	c := At(b, start)
	require.Equal(t, want, rebuild(c), "%q", b)
	require.Equal(t, end, c.Offset())

	skip := At(b, start)
	require.Equal(t, b[start:end], skip.Skip())
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, b))
	require.Equal(t, compact.String(), string(AppendCompact(nil, b)))
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(1, kinds).Draw(t, "kind") {
	case 1:
		return nil
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return rapid.Int().Draw(t, "int")
	case 4:
		return rapid.Float64().Draw(t, "float")
	case 5:
		return rapid.String().Draw(t, "text")
	case 6:
		array := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			array = append(array, drawValue(t, depth-1))
		}
		return array
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		object[rapid.String().Draw(t, "name")] = drawValue(t, depth-1)
	}
	return object
}

func TestValuesReadAsEncodingJSONReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var err error
		if value := drawValue(t, 3); rapid.Bool().Draw(t, "indented") {
			b, err = json.MarshalIndent(value, " ", "\t")
		} else {
			b, err = json.Marshal(value)
		}
		require.NoError(t, err)
		compare(t, b)
		if i := rapid.IntRange(-1, len(b)-1).Draw(t, "damage"); i >= 0 {
			b[i] = rapid.SampledFrom([]byte("\"\\{}[],:0-.eE+utn \n\x00\xff")).Draw(t, "byte")
			compare(t, b)
			compare(t, b[:i])
		}
	})
}

var odd = []string{
	`{"a":[1,-0,0.5e+7,{"b":null}],"a":"\u00e9\ud83d\ude00\ud83d\ude0\"\\\/\b\f\n\r\t"}`, `"\ud83d\ude00\ud83dx\udc00\ud83d\ud83d\ude00"`,
	"[]", "{}", " [ ] ", "true", "nul", "01", "1.", "1e", "-", "+1", `"\x"`, `"\u12g4"`, "\"\x1f\"", "\"\xff\"", "[1,]", `{"a":1,}`, `{"a"}`, `{1:2}`,
	"[1 2]", "{", "[", `"`, `"\`, `"\u`, "", " ", "\ufeff{}", `{"a":{"b":[{"c":"]}"}]}}`, "[tru]", "1}", `{"a" : 1 , "b" : [ 2 , 3 ] }`,
}

func TestOddValuesReadAsEncodingJSONReadsThem(t *testing.T) {
	for _, text := range odd {
		compare(t, []byte(text))
	}
}

func FuzzNext(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) <= MaxDepth {
			compare(t, b)
		}
	})
}

func TestDamageIsNamedWhereItIs(t *testing.T) {
	for text, want := range map[string]string{
		`  {"a":1,x`:                    `no JSON at offset 9: unexpected 'x'`,
		`  {"a":1`:                      `no JSON at offset 8: the file ends within a value`,
		"[\"\n\"]":                      `no JSON at offset 2: unexpected '\n'`,
		`[1,tru]`:                       `no JSON at offset 6: unexpected ']'`,
		strings.Repeat("[", MaxDepth+1): fmt.Sprintf("no JSON at offset %d: nested more than %d deep", MaxDepth, MaxDepth),
	} {
		start, end, err := Next([]byte(text), 0)
		require.EqualError(t, err, want)
		require.Equal(t, len(text)-len(strings.TrimLeft(text, " ")), start)
		require.LessOrEqual(t, start, end)
	}
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	_, end, err := Next([]byte(deep), 0)
	require.NoError(t, err)
	require.Equal(t, len(deep), end)
}

func TestValuesFollowEachOther(t *testing.T) {
	b := []byte(" {\"a\":1}\n[2] \"3\"{}\n")
	var got []string
	for at := 0; ; {
		start, end, err := Next(b, at)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		got = append(got, string(b[start:end]))
		at = end
	}
	require.Equal(t, []string{`{"a":1}`, `[2]`, `"3"`, `{}`}, got)
}

func TestWhatALoopDoesNotReadIsSkipped(t *testing.T) {
	b := []byte(`{"skip":{"x":[1,2]},"wrong":5,"stop":[1,[2],3],"text":"t","last":[[4]]}`)
	c := At(b, 0)
	var names, texts []string
	for name := range c.Members() {
		names = append(names, string(name))
		switch string(name) {
		case "wrong":
			for range c.Members() {
				t.Fatal("a number has no members")
			}
			for range c.Elements() {
				t.Fatal("a number has no elements")
			}
			_, ok := c.Text()
			require.False(t, ok)
			require.False(t, c.Null())
		case "stop":
			for range c.Elements() {
				if c.IsArray() {
					break
				}
			}
		case "text":
			text, ok := c.Text()
			require.True(t, ok)
			texts = append(texts, string(text))
		}
	}
	require.Equal(t, []string{"skip", "wrong", "stop", "text", "last"}, names)
	require.Equal(t, []string{"t"}, texts)
	require.Equal(t, len(b), c.Offset())
}
