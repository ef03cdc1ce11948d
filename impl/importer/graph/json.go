package graph

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/jsonwalk"
)

// BadJSON is the cause of notes about bytes that are no JSON.
const BadJSON = "bad-json"

// JSON calls visit with a cursor at each JSON value of an input, and its place
// (IMP-15). A value is visited as a whole or, where it is no JSON, noted; then
// reading goes on behind the line in which the value begins. Errors: that of
// visit, the context's.
func (g *Graph) JSON(file int, visit func(c *jsonwalk.Cursor, at importer.Place) error) error {
	b := g.in.Bytes(file)
	at := len(b) - len(bytes.TrimPrefix(b, []byte("\ufeff")))
	for {
		start, end, err := jsonwalk.Next(b, at)
		if err == io.EOF {
			return nil
		}
		var bad *jsonwalk.SyntaxError
		if errors.As(err, &bad) {
			where := importer.Place{File: int32(file), Offset: int64(bad.Offset)}
			g.in.Note(BadJSON, where, func() string {
				return fmt.Sprintf("%s, in the value at offset %d", bad.Message, start)
			})
			if end = bytes.IndexByte(b[start:], '\n'); end < 0 {
				return nil
			}
			end += start
		} else if err := visit(jsonwalk.At(b, start), importer.Place{File: int32(file), Offset: int64(start)}); err != nil {
			return err
		}
		at = end
		if err := g.Read(importer.Place{File: int32(file), Offset: int64(at)}); err != nil {
			return err
		}
	}
}
