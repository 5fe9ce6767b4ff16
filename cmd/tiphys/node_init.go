package main

import (
	"os"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// nodeInitCommand furnishes the namespaces of a development node from within. `tiphys dev up`
// starts it; people have no use for it.
func nodeInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:    sandbox.NodeInitCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return sandbox.InitNode(os.Stdin, os.Stdout) },
	}
}
