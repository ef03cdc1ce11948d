package setup

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func noEnv(string) (string, bool) { return "", false }

func envOf(all map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := all[name]; return v, ok }
}

// fileOf writes a configuration file, and returns its path.
func fileOf(t testing.TB, text string) string {
	path := filepath.Join(t.TempDir(), "node.toml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestFlagsAreStrongerThanTheEnvironmentThatThanTheFileAndThatThanDefaults(t *testing.T) {
	path := fileOf(t, "data = \"from-file\"\nclose-events = 10\nclose-age = \"2s\"\ntick = \"300ms\"\n")
	l, err := Load(path, envOf(map[string]string{"OMEGA_CLOSE_EVENTS": "20", "OMEGA_TICK": "400ms", "OMEGA_GUESTS": "7,8"}),
		map[string][]string{"tick": {"500ms"}, "input": {"a.omega", "b.omega"}})
	require.NoError(t, err)
	c := l.Config
	require.Equal(t, filepath.Join(filepath.Dir(path), "from-file"), c.Data)
	require.Equal(t, 20, c.CloseEvents)
	require.Equal(t, 2*time.Second, time.Duration(c.CloseAge))
	require.Equal(t, 500*time.Millisecond, time.Duration(c.Tick))
	require.Equal(t, 4*time.Second, time.Duration(c.Timeout))
	require.Equal(t, []string{"7", "8"}, c.Guests)
	require.Equal(t, []string{"a.omega", "b.omega"}, c.Input)
	for name, from := range map[string]string{
		"data": path, "close-events": "OMEGA_CLOSE_EVENTS", "close-age": path, "tick": FromFlag, "timeout": FromDefault,
		"guests": "OMEGA_GUESTS", "input": FromFlag, "listen": FromDefault,
	} {
		require.Equal(t, from, l.Origin[name], name)
	}
	require.Len(t, l.Origin, len(Settings()))
}

// TestEachSettingTakesTheStrongestOfItsOrigins compares Load with looking for the
// strongest origin by hand.
func TestEachSettingTakesTheStrongestOfItsOrigins(t *testing.T) {
	numbers := []string{"close-events", "close-bytes", "close-lamports", "stream-bytes"}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		text, env, flags := "data = \"x\"\n", map[string]string{}, map[string][]string{}
		want := map[string]string{}
		for i, name := range numbers {
			want[name] = FromDefault
			base := (1 << 20) + 100*i
			if rapid.Bool().Draw(t, "file "+name) {
				text += fmt.Sprintf("%s = %d\n", name, base+1)
				want[name] = "file"
			}
			if rapid.Bool().Draw(t, "env "+name) {
				env["OMEGA_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = fmt.Sprint(base + 2)
				want[name] = "env"
			}
			if rapid.Bool().Draw(t, "flag "+name) {
				flags[name] = []string{fmt.Sprint(base + 3)}
				want[name] = FromFlag
			}
		}
		env["OMEGA_PENDING_EVENTS"], env["OMEGA_PENDING_BYTES"] = "9999999", "134217728"
		path := filepath.Join(dir, "node.toml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		l, err := Load(path, envOf(env), flags)
		require.NoError(t, err)
		for i, name := range numbers {
			base := (1 << 20) + 100*i
			s := settingOf(t, name)
			value := map[string]string{FromDefault: cmp.Or(s.Default, "0"), "file": fmt.Sprint(base + 1), "env": fmt.Sprint(base + 2), FromFlag: fmt.Sprint(base + 3)}
			require.Equal(t, value[want[name]], fmt.Sprint(l.Value(s)), name)
		}
	})
}

func settingOf(t require.TestingT, name string) *Setting {
	for _, s := range Settings() {
		if s.Name == name {
			return &s
		}
	}
	require.Fail(t, "there is no setting "+name)
	return nil
}

func TestWhatIsWrongInAFileIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"data = \"x\"\n\nclose-event = 3\n":     `:3: there is no setting "close-event"`,
		"data = \"x\"\n[tls]\nca = \"y\"\n":     `:2: there is no setting "tls"`,
		"data = \"x\"\nclose-events = \"3\"\n":  ":2: close-events: ",
		"data = \"x\"\nclose-events = 3\n = \n": ":3: ",
		"data = \"x\"\ntick = \"fast\"\n":       `:2: tick: "fast" is no time such as 100ms, 30s or 1m30s`,
		"data = \"x\"\ndata = \"y\"\n":          ":2: ",
		"data = \"x\"\nguests = 7\n":            ":2: guests: ",
		"data = \"x":                            ":1: ",
	} {
		path := fileOf(t, text)
		_, err := Load(path, noEnv, nil)
		var bad *FileError
		require.ErrorAs(t, err, &bad, text)
		require.Contains(t, err.Error(), path+want, text)
	}
	_, err := Load(t.TempDir(), noEnv, nil)
	require.ErrorContains(t, err, "a folder, not a regular file")
	_, err = Load(fileOf(t, strings.Repeat("# \n", maxFile/2)), noEnv, nil)
	require.ErrorContains(t, err, "more than 1048576 bytes")
	_, err = Load(filepath.Join(t.TempDir(), "none"), noEnv, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAValueThatIsNoneIsToldWithWhereItIsFrom(t *testing.T) {
	for flag, c := range map[string]struct{ value, want string }{
		"close-events":   {"many", `"many" is no number of 64 bits`},
		"close-lamports": {"-1", `"-1" is no number from 0 on`},
		"close-age":      {"5", `"5" is no time such as 100ms, 30s or 1m30s`},
		"close-bytes":    {"0", "0 is less than 1"},
		"pending-events": {"4095", "4095 is less than 4096"},
		"pending-bytes":  {"134217729", "134217729 is not from 4194304 to 134217728"},
		"tick":           {"1ms", "1ms is not from 10ms to 1m0s"},
		"timeout":        {"399ms", "399ms is not from 400ms to 1m0s"},
		"self-audit":     {"0s", "0s is less than 1s"},
		"hold-for":       {"0s", "0s is less than 1ms"},
		"stale-after":    {"1ms", "1ms is less than 1s"},
		"stream-bytes":   {"1", "1 is less than 1048576"},
		"stream-age":     {"-1s", "-1s is less than 0s"},
		"listen":         {"4222", `"4222" is not HOST:PORT`},
		"cluster-listen": {"127.0.0.1:6222", "every server of the engine, this one too"},
		"routes":         {"127.0.0.1:6222", `"" is not HOST:PORT`},
		"http":           {"localhost:http", `"localhost:http": the port is no number to 65535`},
		"nats":           {"http://a:1", `"http://a:1" is not nats://HOST:PORT or tls://HOST:PORT`},
		"guests":         {"everyone", `"everyone" is neither a node's number nor *`},
		"creds":          {"c", "the engine runs in this process: nats is not set"},
		"tls-key":        {"k", "it is required beside tls-cert and tls-key"},
		"tls-ca":         {"", ""},
		"routes-ca":      {"r", "it needs tls-cert and tls-key beside it"},
		"log":            {"xml", `"xml" is none of ["auto" "text" "json"]`},
		"log-level":      {"loud", `"loud" is none of ["debug" "info" "warn" "error"]`},
		"data":           {"", "it is required"},
	} {
		flags := map[string][]string{"data": {"d"}, flag: {c.value}}
		_, err := Load("", noEnv, flags)
		if c.want == "" {
			require.NoError(t, err, flag)
			continue
		}
		var bad *SettingError
		require.ErrorAs(t, err, &bad, flag)
		require.Contains(t, err.Error(), c.want, flag)
		require.Contains(t, err.Error(), "(from ")
	}
	_, err := Load("", envOf(map[string]string{"OMEGA_TICK": "1h"}), map[string][]string{"data": {"d"}})
	require.EqualError(t, err, "tick (from OMEGA_TICK): 1h0m0s is not from 10ms to 1m0s")
}

func TestSettingsOfTheOtherKindOfEngineAreRefused(t *testing.T) {
	for _, name := range embeddedOnly {
		value := map[string]string{"routes": "a:1", "cluster-listen": "a:1", "listen": "a:1", "guests": "7", "stream-bytes": "9999999", "stream-age": "1s"}[name]
		if value == "" {
			value = "x"
		}
		_, err := Load("", noEnv, map[string][]string{"data": {"d"}, "nats": {"nats://a:1"}, "cluster-listen": {"a:1"}, "routes": {"a:1"},
			"tls-ca": {"x"}, "tls-cert": {"x"}, "tls-key": {"x"}, name: {value}})
		require.ErrorContains(t, err, "the engine runs elsewhere: nats is set", name)
	}
	_, err := Load("", noEnv, map[string][]string{"data": {"d"}, "nats": {"nats://a:1"}, "creds": {"c"}, "nkey": {"n"}})
	require.ErrorContains(t, err, "creds (from flag): either creds or nkey says who this is")
	_, err = Load("", noEnv, map[string][]string{"data": {"d"}, "nats": {"nats://a:1"}, "creds": {"c"}})
	require.NoError(t, err)
}

func TestAPasswordInAURLIsRefusedAndNotRepeated(t *testing.T) {
	for _, url := range []string{"nats://me:s3cret@a:1", "nats://s3cret@a:1", "nats://me:s3cret@a:%zz"} {
		_, err := Load("", noEnv, map[string][]string{"data": {"d"}, "nats": {url}})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestWhatIsPrintedIsReadBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("aä\"'\\ \n\t#=[],\x01")), 1, 8, -1)
		flags := map[string][]string{
			"data": {"/" + word.Draw(t, "data")}, "member": {word.Draw(t, "member")}, "input": rapid.SliceOfN(rapid.Map(word, func(s string) string { return "/" + s }), 1, 3).Draw(t, "input"),
			"close-age": {rapid.SampledFrom([]string{"1ms", "90s", "1h1m1.5s"}).Draw(t, "age")}, "close-lamports": {fmt.Sprint(rapid.Uint64Max(1<<63-1).Draw(t, "lamports"))},
		}
		before, err := Load("", noEnv, flags)
		require.NoError(t, err)
		text := ""
		for _, s := range Settings() {
			if before.Origin[s.Name] != FromDefault {
				text += s.Name + " = " + before.TOML(&s) + " # " + before.Origin[s.Name] + "\n"
			}
		}
		f, err := os.CreateTemp("", "omega-print-*.toml")
		require.NoError(t, err)
		defer os.Remove(f.Name())
		_, err = f.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		after, err := Load(f.Name(), noEnv, nil)
		require.NoError(t, err, text)
		require.Equal(t, before.Config, after.Config, text)
	})
}

func TestEverySettingHasANameHelpAndARowInTheSpecification(t *testing.T) {
	page, err := os.ReadFile("../../../spec/node.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(page), "**NOD-1.**")
	table, _, _ = strings.Cut(table, "**NOD-2.**")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|([^|]*)\\|.*\\|$").FindAllStringSubmatch(table, -1) {
		names := strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")
		defaults := strings.Split(strings.TrimSpace(strings.ReplaceAll(row[2], "`", "")), ", ")
		for i, name := range names {
			documented = append(documented, name)
			if want := settingOf(t, name).Default; want != "" {
				require.Equal(t, want, defaults[i], name)
			}
		}
	}
	var names []string
	for _, s := range Settings() {
		names = append(names, s.Name)
		require.NotEmpty(t, s.Arg, s.Name)
		require.NotEmpty(t, s.Help, s.Name)
		require.True(t, strings.HasPrefix(s.Env(), "OMEGA_"), s.Name)
	}
	require.ElementsMatch(t, names, documented)
	require.Equal(t, reflect.TypeFor[Config]().NumField(), len(names))
}

func FuzzConfig(f *testing.F) {
	f.Add("data = \"x\"\nclose-events = 3\n")
	f.Add("[a]\nb = 1")
	f.Add("nats = [\"nats://a:1\"]\ndata='x'")
	f.Add("tick = 1979-05-27T07:32:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		path := fileOf(t, text)
		l, err := Load(path, noEnv, nil)
		var table map[string]any
		if toml.Unmarshal([]byte(text), &table) != nil {
			require.Error(t, err)
			return
		}
		if err != nil {
			return
		}
		for name := range table {
			require.Contains(t, l.Origin, name)
		}
	})
}
