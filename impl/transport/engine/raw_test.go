package engine_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"github.com/nats-io/nats.go"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// textClient speaks the engine's protocol as text over a socket.
type textClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	info struct {
		Nonce string `json:"nonce"`
	}
}

func dialText(t *testing.T, e *engine.Engine) *textClient {
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL(), "nats://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	c := &textClient{t: t, conn: conn, in: bufio.NewReader(conn)}
	info, ok := strings.CutPrefix(c.line(), "INFO ")
	require.True(t, ok)
	require.NoError(t, json.Unmarshal([]byte(info), &c.info))
	return c
}

// line reads a line that is no sign of life.
func (c *textClient) line() string {
	for {
		l, err := c.in.ReadString('\n')
		require.NoError(c.t, err)
		if l != "PING\r\n" {
			return strings.TrimSuffix(l, "\r\n")
		}
		c.say("PONG\r\n")
	}
}

func (c *textClient) say(text string) {
	_, err := io.WriteString(c.conn, text)
	require.NoError(c.t, err)
}

// message reads a MSG: its line and its payload.
func (c *textClient) message() (line, payload string) {
	line = c.line()
	fields := strings.Fields(line)
	require.Equal(c.t, "MSG", fields[0], line)
	size, err := strconv.Atoi(fields[len(fields)-1])
	require.NoError(c.t, err)
	b := make([]byte, size+2)
	_, err = io.ReadFull(c.in, b)
	require.NoError(c.t, err)
	return line, string(b[:size])
}

// connectLine shows an nkey.
func connectLine(public string, signature []byte) string {
	sig := base64.RawURLEncoding.EncodeToString(signature)
	return fmt.Sprintf("CONNECT {\"verbose\":false,\"headers\":true,\"nkey\":%q,\"sig\":%q}\r\n", public, sig)
}

// example is what the lines in spec/engine.md print.
func example(t *testing.T) string {
	page, err := os.ReadFile("../../../spec/engine.md")
	require.NoError(t, err)
	var text strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^    .* printf '(.*)'$`).FindAllSubmatch(page, -1) {
		part, err := strconv.Unquote(`"` + strings.ReplaceAll(string(m[1]), `"`, `\"`) + `"`)
		require.NoError(t, err)
		text.WriteString(part)
	}
	return text.String()
}

// textWorld is an engine with a stream for one member, who writes node 1; a guest
// may publish events of node 3.
func textWorld(t *testing.T) (*engine.Engine, *enginetest.Party, *credentials.Nkey) {
	chain := subject.Of(enginetest.Chain)
	guest, client := chain.Client(3), credentials.GenerateNkey()
	p := enginetest.NewParty(1)
	e := enginetest.Start(t, engine.Options{
		Users: append(p.Users, engine.User{Nkey: client.Public(), Permissions: chain.Client(3)}), Guest: &guest,
	})
	admin, err := e.Admin()
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	require.NoError(t, events.Ensure(t.Context(), admin, enginetest.Chain, events.Config{Servers: 1, Members: p.Names(), MaxBytes: 1 << 20}))
	return e, p, client
}

func TestAGuestHasNoPassword(t *testing.T) {
	log := enginetest.NewLog()
	guest := subject.Of(enginetest.Chain).Client(3)
	e := enginetest.Start(t, engine.Options{Guest: &guest, Logger: log.Logger})
	for _, password := range []string{"", "$2a$11$", "guest"} {
		_, err := connect(t, e, nats.UserInfo("guest", password))
		require.ErrorIs(t, err, nats.ErrAuthorization, "password %q", password)
	}
	_, err := connect(t, e)
	require.NoError(t, err, "who shows nothing is a guest")
	require.NotContains(t, log.Text(), "Plaintext passwords", "there is none")
}

func TestTheLinesInTheSpecificationPublishAnEventAndHearTheTruth(t *testing.T) {
	e, p, _ := textWorld(t)
	c := dialText(t, e)
	text := example(t)
	require.Equal(t, 4, strings.Count(text, "\r\n")-1, "the example has lost lines")
	c.say(text)
	line, payload := c.message()
	require.Equal(t, "MSG _INBOX.me 2 50", line)
	require.Equal(t, `{"stream":"OMEGA-EVENTS-c4a1170000000000","seq":1}`, payload)

	conn, err := natsbus.Dial(natsbus.Options{InProcess: e, Nkey: p.Nkeys[0], Inbox: subject.Of(enginetest.Chain).Inbox(0)})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	consumer, err := events.NewConsumer(t.Context(), conn, enginetest.Chain, "m0", noKeys, nil)
	require.NoError(t, err)
	t.Cleanup(consumer.Close)
	item, err := consumer.Next(t.Context())
	require.NoError(t, err)
	v, err := event.Parse(item.Event)
	require.NoError(t, err)
	require.Equal(t, "0000000000000007000000030001000000000000000000000000000a", v.Key().String())
	require.Equal(t, int32(-500), v.Value())
	require.Equal(t, "hi", string(v.Payload()))
	require.False(t, item.Signed)

	require.NoError(t, natsbus.New(conn, enginetest.Chain, 1).Tell(subject.Certificate, []byte("a record")))
	line, payload = c.message()
	require.Equal(t, "MSG omega.c4a1170000000000.truth.certificate 1 8", line)
	require.Equal(t, "a record", payload)
}

// TestAnNkeyInTextLetsAClientInAndNoFurther also shows that a retry in text makes no second event.
func TestAnNkeyInTextLetsAClientInAndNoFurther(t *testing.T) {
	e, _, client := textWorld(t)
	c := dialText(t, e)
	signature, err := client.Sign([]byte(c.info.Nonce))
	require.NoError(t, err)
	c.say(connectLine(client.Public(), signature))
	text := example(t)
	payload := text[len(text)-42:]
	header := "NATS/1.0\r\nNats-Msg-Id: the first\r\n\r\n"
	c.say("SUB _INBOX.me 1\r\n")
	for _, duplicate := range []string{"", `,"duplicate": true`} {
		c.say(fmt.Sprintf("HPUB omega.c4a1170000000000.events.3.1 _INBOX.me %d %d\r\n%s%s", len(header), len(header)+40, header, payload))
		_, ack := c.message()
		require.Equal(t, `{"stream":"OMEGA-EVENTS-c4a1170000000000","seq":1`+duplicate+"}", ack)
	}
	for _, forbidden := range []string{
		"PUB omega.c4a1170000000000.events.1.1 40\r\n" + payload, // another's node
		"PUB omega.c4a1170000000000.from.0.to.1 0\r\n\r\n",
		"PUB omega.c4a1170000000000.truth.certificate 0\r\n\r\n",
		"PUB $JS.API.STREAM.DELETE.OMEGA-EVENTS-c4a1170000000000 0\r\n\r\n",
		"SUB omega.c4a1170000000000.from.*.to.0 2\r\n",
		"SUB omega.c4a1170000000000.events.*.* 2\r\n",
		"SUB omega.c4a1170000000000.inbox.0.> 2\r\n",
		"SUB > 2\r\n", "SUB $SYS.> 2\r\n",
	} {
		c.say(forbidden)
		require.Contains(t, c.line(), "-ERR 'Permissions Violation for ", forbidden)
	}
	require.Equal(t, uint64(9), e.Counts().Violations)
}
