package main

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "fish", "powershell", "zsh"}

// completionResult is what `completion` prints.
type completionResult struct {
	OK     bool   `json:"ok"`
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func (r *completionResult) text(t *text) { t.line("%s", strings.TrimSuffix(r.Script, "\n")) }

func newCompletion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for a shell",
		Long: `Prints the script that teaches a shell to complete commands, flags, .omega files
and layer names. SHELL is one of ` + strings.Join(shells, ", ") + `.`,
		Example: `  source <(omega-check completion bash)
  omega-check completion zsh > "${fpath[1]}/_omega-check"
  omega-check completion fish > ~/.config/fish/completions/omega-check.fish`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return usage("name one shell: %s", strings.Join(shells, ", "))
			}
			return nil
		},
	}
	return a.runs(c, true, func(_ context.Context, args []string) (result, error) {
		var b bytes.Buffer
		root := c.Root()
		err := map[string]func() error{
			"bash":       func() error { return root.GenBashCompletionV2(&b, true) },
			"fish":       func() error { return root.GenFishCompletion(&b, true) },
			"powershell": func() error { return root.GenPowerShellCompletionWithDesc(&b) },
			"zsh":        func() error { return root.GenZshCompletion(&b) },
		}[args[0]]()
		if err != nil {
			return nil, err
		}
		return &completionResult{OK: true, Shell: args[0], Script: b.String()}, nil
	})
}

// completeFiles lets the flag complete names with one of the extensions; with
// none, any file.
func completeFiles(c *cobra.Command, flag string, extensions ...string) {
	must(c.MarkFlagFilename(flag, extensions...))
}

// completeFolders lets the flag complete folders.
func completeFolders(c *cobra.Command, flag string) {
	must(c.MarkFlagDirname(flag))
}
