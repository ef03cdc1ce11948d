package setup

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
)

// Duration is a time.Duration that is written as 100ms or 1m30s.
type Duration time.Duration

// String writes it so that it is read back.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no time such as 100ms, 30s or 1m30s", text)
	}
	*d = Duration(parsed)
	return nil
}

// The origins of a value that are not a file's path.
const (
	FromDefault = "default"
	FromFlag    = "flag"
)

// EnvPrefix begins the names in the environment.
const EnvPrefix = "OMEGA_"

// maxFile is more than any configuration has, in bytes.
const maxFile = 1 << 20

// FileError says what is wrong with a configuration file, and in which line; 0: in
// none.
type FileError struct {
	Path string
	Line int
	Err  error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Setting describes one field of a Config, for flags and help.
type Setting struct {
	Name, Arg, Help string
	Path, Repeats   bool
	Default         string

	field int
}

// Settings returns all of them, in the order of Config.
func Settings() []Setting {
	defaults := Defaults()
	fields := reflect.TypeFor[Config]()
	all := make([]Setting, fields.NumField())
	for i := range all {
		f := fields.Field(i)
		all[i] = Setting{
			Name: f.Tag.Get("toml"), Arg: f.Tag.Get("arg"), Help: f.Tag.Get("help"), Path: f.Tag.Get("kind") == "path",
			Repeats: f.Type.Kind() == reflect.Slice, field: i,
		}
		if v := reflect.ValueOf(defaults).Field(i); !v.IsZero() {
			all[i].Default = fmt.Sprint(v.Interface())
		}
	}
	return all
}

// Env is the setting's name in the environment.
func (s *Setting) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

func (s *Setting) of(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().Field(s.field) }

// set gives the setting a value that is written as one word, or several where it
// repeats.
func (s *Setting) set(c *Config, words []string) error {
	if s.Repeats {
		s.of(c).Set(reflect.ValueOf(words))
		return nil
	}
	text := words[len(words)-1]
	v := s.of(c)
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *Duration:
		return p.UnmarshalText([]byte(text))
	case *uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number from 0 on", text)
		}
		*p = n
	default:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is no number of %d bits", text, v.Type().Bits())
		}
		v.SetInt(n)
	}
	return nil
}

// Loaded is a Config and where each of its values is from: default, flag, an
// environment variable's name, or the path of the file.
type Loaded struct {
	Config Config
	Origin map[string]string
}

// Load puts together, from weak to strong, the defaults, the file (path empty: none),
// the environment, and the flags that were given, each with its words. Paths in the
// file are relative to its folder. The error is *FileError, *SettingError, or says why the file cannot be read.
func Load(path string, env func(string) (string, bool), flags map[string][]string) (*Loaded, error) {
	l := &Loaded{Config: Defaults(), Origin: map[string]string{}}
	settings := Settings()
	for i := range settings {
		l.Origin[settings[i].Name] = FromDefault
	}
	if path != "" {
		if err := l.readFile(path, settings); err != nil {
			return nil, err
		}
	}
	for i := range settings {
		s := &settings[i]
		if text, ok := env(s.Env()); ok {
			words := []string{text}
			if s.Repeats {
				words = strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
			}
			if err := l.set(s, s.Env(), words); err != nil {
				return nil, err
			}
		}
		if words, ok := flags[s.Name]; ok {
			if err := l.set(s, FromFlag, words); err != nil {
				return nil, err
			}
		}
	}
	return l, l.check()
}

func (l *Loaded) set(s *Setting, from string, words []string) error {
	if err := s.set(&l.Config, words); err != nil {
		return &SettingError{s.Name, from, err}
	}
	l.Origin[s.Name] = from
	return nil
}

func (l *Loaded) readFile(path string, settings []Setting) error {
	file, err := readRegular(path)
	if err != nil {
		return err
	}
	strict := toml.NewDecoder(bytes.NewReader(file)).DisallowUnknownFields()
	if err := strict.Decode(&l.Config); err != nil {
		return tomlError(path, err)
	}
	var present map[string]any
	if err := toml.Unmarshal(file, &present); err != nil {
		return tomlError(path, err)
	}
	dir := filepath.Dir(path)
	for i := range settings {
		s := &settings[i]
		if _, ok := present[s.Name]; !ok {
			continue
		}
		l.Origin[s.Name] = path
		if s.Path {
			resolve(s.of(&l.Config), dir)
		}
	}
	return nil
}

// resolve takes a path, or several, as relative to dir.
func resolve(v reflect.Value, dir string) {
	in := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	if v.Kind() == reflect.String {
		v.SetString(in(v.String()))
		return
	}
	for i := range v.Len() {
		v.Index(i).SetString(in(v.Index(i).String()))
	}
}

// tomlError says where in the file the parser has stumbled.
func tomlError(path string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		first := &unknown.Errors[0]
		line, _ := first.Position()
		return &FileError{path, line, fmt.Errorf("there is no setting %q", strings.Join(first.Key(), "."))}
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		text := strings.TrimPrefix(bad.Error(), "toml: ")
		if key := strings.Join(bad.Key(), "."); key != "" {
			text = key + ": " + text
		}
		return &FileError{path, line, errors.New(text)}
	}
	return &FileError{path, 0, errors.New(strings.TrimPrefix(err.Error(), "toml: "))}
}

// readRegular reads a small regular file.
func readRegular(path string) ([]byte, error) {
	b, err := durable.ReadUpTo(path, maxFile, nil)
	if err == nil && len(b) > maxFile {
		err = &FileError{path, 0, fmt.Errorf("more than %d bytes", maxFile)}
	}
	return b, err
}

// TOML writes the value of a setting as a file has it.
func (l *Loaded) TOML(s *Setting) string {
	line, err := toml.Marshal(map[string]any{"v": l.Value(s)})
	if err != nil {
		panic(err) // words, numbers and lists of words always have a form
	}
	return strings.TrimSpace(strings.TrimPrefix(string(line), "v = "))
}

// Value returns the value of a setting, for JSON.
func (l *Loaded) Value(s *Setting) any {
	switch v := s.of(&l.Config).Interface().(type) {
	case Duration:
		return v.String()
	case []string:
		return append([]string{}, v...)
	default:
		return v
	}
}
