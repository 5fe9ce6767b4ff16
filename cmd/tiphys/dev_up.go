package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// passedOn are the flags of `tiphys server` that `tiphys dev up` has as well.
var passedOn = []string{"node-bin-dir", "image-dir", "use-binary", "component-arg", "v"}

func devUpCommand(o *devOptions) *cobra.Command {
	var timeout time.Duration
	var nodeOnly bool
	var nodes int
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a development cluster and wait until it answers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustBeRoot(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the cluster did not answer within %v", timeout))
			defer cancel()
			cfg := o.config()
			cfg.NodeOnly, cfg.Nodes = nodeOnly, nodes
			cfg.ServerArgs = flagsGiven(cmd.Flags(), passedOn...)
			cluster, err := sandbox.Up(ctx, cfg)
			if err != nil {
				if cluster != nil {
					return fmt.Errorf("%w\nThe log is %s; `tiphys dev down --name %s` takes away what was made", err, cluster.LogFile(), o.name)
				}
				return err
			}
			if !nodeOnly {
				announce(cmd, cluster, o.name)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dataDir, "data-dir", "", "Folder of the cluster's data; /var/lib/tiphys/dev/NAME if not given.")
	f.DurationVar(&timeout, "timeout", 5*time.Minute, "How long to wait for the cluster.")
	f.BoolVar(&nodeOnly, "node-only", false, "Make the node's namespaces and network, but start nothing inside.")
	f.IntVar(&nodes, "nodes", 0, "How many nodes there shall be: further ones join the first. One if not given, or as many as there are.")
	f.String("node-bin-dir", "", "Folder of containerd, runc and the CNI plugins.")
	f.String("image-dir", "", "Folder of image archives to import at the start.")
	f.StringArray("use-binary", nil, "COMPONENT=PATH: run a program with upstream's flags in a component's place.")
	f.StringArray("component-arg", nil, "COMPONENT=--flag=value: a further flag for a program of --use-binary.")
	f.Int("v", 0, "How much is logged.")
	return cmd
}

// announce says what there is now and what to type next.
func announce(cmd *cobra.Command, c *sandbox.Cluster, name string) {
	n := c.Network()
	flag := ""
	node := "node         " + n.Node().String()
	if names := c.NodeNames(); len(names) > 1 {
		node = fmt.Sprintf("nodes        %s to %s", n.Node(), n.NodeAt(len(names)))
	}
	if name != sandbox.DefaultName {
		flag = " --name " + name
	}
	fmt.Fprintf(cmd.OutOrStdout(), `
Cluster %s is up.
  API server   https://%s:6443
  %s (node ports answer here)
  pods         %s
  services     %s
  kubeconfig   context %q is current in your kubeconfig; also %s
  log          %s

Next:
  kubectl get nodes -o wide
  kubectl create deployment web --image=YOUR-IMAGE --port=80
  tiphys image import%s FILE.tar     # there is no way out: bring images in as archives
  tiphys dev down%s
`, name, n.Node(), node, n.Pods, n.Services, c.Context(), c.AdminKubeconfig(), c.LogFile(), flag, flag)
}
