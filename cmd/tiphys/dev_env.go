package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone"
	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// devEnvCommand tells scripts where things are.
func devEnvCommand(o *devOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print where a development cluster's parts are, as shell variables",
		Example: "  eval \"$(tiphys dev env)\"\n" +
			"  kubectl get nodes; ctr -a $CONTAINERD_ADDRESS -n k8s.io images ls",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, err := sandbox.Open(o.config())
			if err != nil {
				return err
			}
			s, err := cluster.Summarize()
			if err != nil {
				return err
			}
			vars := [][2]string{
				{"KUBECONFIG", cluster.AdminKubeconfig()},
				{"NETNS", cluster.Namespaces().Net()},
				{"NODE_IP", s.Network.Node().String()},
				{"HOST_IP", s.Network.Host().String()},
				{"DATA_DIR", s.DataDir},
				{"CERTS_D", filepath.Join(s.DataDir, "registries")},
				{"SERVER_FLAGS", strings.Join(cluster.ServerFlags(), " ")},
			}
			// A node has a /run of its own; through its process it is seen from outside.
			socket := allinone.ImporterFor(allinone.Default()).Socket
			var sockets, addresses []string
			for _, node := range s.Nodes {
				addresses = append(addresses, node.Address)
				if node.Status.Alive() {
					sockets = append(sockets, fmt.Sprintf("/proc/%d/root%s", node.Status.PID, socket))
				}
			}
			vars = append(vars, [2]string{"NODE_NAMES", strings.Join(cluster.NodeNames(), " ")}, [2]string{"NODE_IPS", strings.Join(addresses, " ")})
			if len(sockets) > 0 {
				// One for each node.
				vars = append(vars, [2]string{"CONTAINERD_ADDRESS", strings.Join(sockets, " ")})
			}
			for _, v := range vars {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s='%s'\n", v[0], v[1])
			}
			return nil
		},
	}
}
