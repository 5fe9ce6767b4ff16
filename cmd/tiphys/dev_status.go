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
				fmt.Fprintln(out, "NODE\tCOMPONENT\tPHASE\tRESTARTS\tSTARTED IN\tERROR")
				for _, node := range s.Nodes {
					if !node.Status.Alive() {
						fmt.Fprintf(out, "%s\t-\tStopped\t\t\t%s\n", node.Name, node.Status.Error)
						continue
					}
					for _, c := range node.Status.Components {
						fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%.1fs\t%s\n", node.Name, c.Name, c.Phase, c.Restarts, c.Took.Seconds(), c.Error)
					}
				}
				return nil
			}
			all, err := sandbox.List(os.Getenv("TIPHYS_HOME"))
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "NAME\tSTATE\tNODES\tAPI SERVER\tPODS\tSERVICES\tPROCESS\tDATA")
			for _, s := range all {
				pid := "-"
				if s.Status.Alive() {
					pid = fmt.Sprint(s.Status.PID)
				}
				fmt.Fprintf(out, "%s\t%s\t%s\thttps://%s:6443\t%s\t%s\t%s\t%s\n",
					s.Name, s.State, nodesRunning(s), s.Network.Node(), s.Network.Pods, s.Network.Services, pid, s.DataDir)
			}
			return nil
		},
	}
}

// nodesRunning counts the nodes, and says how many of them have no process.
func nodesRunning(s sandbox.Summary) string {
	alive := 0
	for _, node := range s.Nodes {
		if node.Status.Alive() {
			alive++
		}
	}
	if alive == len(s.Nodes) || alive == 0 {
		return fmt.Sprint(len(s.Nodes))
	}
	return fmt.Sprintf("%d of %d", alive, len(s.Nodes))
}
