package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/lint"
)

// Exit codes of lint, besides 0.
const (
	lintRefused = 1
	lintUsage   = 2
)

func lintCommand() *cobra.Command {
	var files []string
	var output string
	var strict, allowUnknown bool
	cmd := &cobra.Command{
		Use:   "lint [-f FILE|DIR|-]… [FILE|DIR|-]…",
		Short: "Check manifests offline, as the API server would",
		Long: "lint reads manifests (YAML with any number of documents, JSON, lists; folders with all below them; - for\n" +
			"standard input) and prints the errors and warnings an API server of this version would give, each with\n" +
			"file and line. CustomResourceDefinitions among them are used to check the objects of their kinds.\n\n" +
			"Admission (quotas, policies, webhooks, Pod Security) and what depends on other objects is not checked.\n\n" +
			"It ends with 0 when no server would refuse anything, 1 when one would, and 2 when nothing could be checked.",
		Example: "  tiphys lint -f deploy/\n  helm template . | tiphys lint --strict -f -",
		RunE: func(cmd *cobra.Command, args []string) error {
			files = append(files, args...)
			if len(files) == 0 {
				return lintFailed(fmt.Errorf("no manifests given: use -f FILE, -f DIR or -f - (see `tiphys lint --help`)"))
			}
			if output != "text" && output != "json" {
				return lintFailed(fmt.Errorf("--output %q: text or json is expected", output))
			}
			sources, err := lint.Read(files, cmd.InOrStdin())
			if err != nil {
				return lintFailed(err)
			}
			options := lint.Options{}
			if allowUnknown {
				options.UnknownKinds = lint.Warning
			}
			report := lint.Check(sources, options)
			write := report.WriteText
			if output == "json" {
				write = report.WriteJSON
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return lintFailed(err)
			}
			if report.Errors > 0 || strict && report.Warnings > 0 {
				return &exitCode{lintRefused}
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return lintFailed(err) })
	f := cmd.Flags()
	f.StringArrayVarP(&files, "filename", "f", nil, "A file, a folder or - for standard input; can be given several times.")
	f.StringVarP(&output, "output", "o", "text", "How to print what is found: text or json.")
	f.BoolVar(&strict, "strict", false, "Let warnings fail, too.")
	f.BoolVar(&allowUnknown, "allow-unknown-kinds", false, "Only warn of kinds that are neither standard nor defined in the input.")
	return cmd
}

// lintFailed says why nothing was checked.
func lintFailed(err error) error {
	fmt.Fprintln(os.Stderr, "tiphys: "+err.Error())
	return &exitCode{lintUsage}
}
