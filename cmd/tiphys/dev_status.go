package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

func devStatusCommand(o *devOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List development clusters; with --name the components of one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			defer out.Flush()
			if cmd.Flags().Changed("name") {
				cluster, err := sandbox.Open(o.config())
				if err != nil {
					return err
				}
				s, err := cluster.Summarize()
				if err != nil {
					return err
				}
				fmt.Fprintln(out, "COMPONENT\tPHASE\tRESTARTS\tSTARTED IN\tERROR")
				for _, c := range s.Status.Components {
					fmt.Fprintf(out, "%s\t%s\t%d\t%.1fs\t%s\n", c.Name, c.Phase, c.Restarts, c.Took.Seconds(), c.Error)
				}
				return nil
			}
			all, err := sandbox.List(os.Getenv("TIPHYS_HOME"))
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "NAME\tSTATE\tAPI SERVER\tPODS\tSERVICES\tPROCESS\tDATA")
			for _, s := range all {
				pid := "-"
				if s.Status.Alive() {
					pid = fmt.Sprint(s.Status.PID)
				}
				fmt.Fprintf(out, "%s\t%s\thttps://%s:6443\t%s\t%s\t%s\t%s\n",
					s.Name, s.State, s.Network.Node(), s.Network.Pods, s.Network.Services, pid, s.DataDir)
			}
			return nil
		},
	}
}
