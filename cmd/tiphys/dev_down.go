package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

func devDownCommand(o *devOptions) *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop a development cluster and take away all it made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustBeRoot(); err != nil {
				return err
			}
			cluster, err := sandbox.Open(o.config())
			if errors.Is(err, sandbox.ErrUnknown) {
				fmt.Fprintf(cmd.OutOrStdout(), "There is no cluster %s.\n", o.name)
				return nil
			}
			if err != nil {
				return err
			}
			if err := cluster.Down(purge); err != nil {
				return err
			}
			if purge {
				fmt.Fprintf(cmd.OutOrStdout(), "Cluster %s and its data are gone.\n", o.name)
			} else {
				fmt.Fprintf(cmd.OutOrStdout(), "Cluster %s is down; its data stays in %s (--purge removes it).\n", o.name, cluster.DataDir())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "Remove the data too.")
	return cmd
}
