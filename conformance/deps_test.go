package conformance
import (
 _ "github.com/anishathalye/porcupine"
 _ "pgregory.net/rapid"
 _ "github.com/stretchr/testify/require"
 _ "github.com/spf13/cobra"
 _ "github.com/spf13/cobra/doc"
 _ "golang.org/x/sys/unix"
 _ "golang.org/x/mod/sumdb/tlog"
 _ "github.com/transparency-dev/merkle/rfc6962"
 _ "github.com/transparency-dev/merkle/proof"
 _ "github.com/transparency-dev/merkle/compact"
 _ "filippo.io/age"
 _ "filippo.io/age/armor"
 _ "filippo.io/edwards25519"
 _ "github.com/rogpeppe/go-internal/testscript"
 _ "golang.org/x/term"
)
