package setup

import (
	"context"
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines as log and log-level say: text on a
// terminal and JSON elsewhere, where nothing else is said.
func NewLogger(cfg *Config, to io.Writer, terminal bool) *slog.Logger {
	var level slog.Level
	// check has seen that it is one.
	_ = level.UnmarshalText([]byte(cfg.LogLevel))
	options := &slog.HandlerOptions{Level: level}
	if cfg.Log == "json" || cfg.Log == "auto" && !terminal {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// quieter gives what the engine tells of itself the level of details.
func quieter(log *slog.Logger) *slog.Logger { return slog.New(&lowered{log.Handler()}) }

// lowered passes on what is told at level info as a detail.
type lowered struct{ slog.Handler }

// Enabled reports whether a line of this level is written.
func (l *lowered) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, lower(level))
}

// Handle writes a line.
func (l *lowered) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return l.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds fields.
func (l *lowered) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lowered{l.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler that puts what follows into a group.
func (l *lowered) WithGroup(name string) slog.Handler { return &lowered{l.Handler.WithGroup(name)} }

func lower(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
