package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/version"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "tiphys %s\n%s\n", version.Get(), version.Details())
		},
	}
}
