package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// devOptions are common to all `tiphys dev` commands.
type devOptions struct {
	name, dataDir string
}

func (o *devOptions) config() sandbox.Config {
	began := time.Now()
	return sandbox.Config{
		Name: o.name, DataDir: o.dataDir, Home: os.Getenv("TIPHYS_HOME"),
		Progress: func(format string, args ...any) {
			fmt.Fprintf(os.Stderr, "[%5.1fs] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		},
	}
}

func devCommand() *cobra.Command {
	o := &devOptions{}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Development clusters, each in namespaces of its own",
		Long: "A development cluster is one node or more, each in network, mount and UTS namespaces of its own, joined to\n" +
			"this machine and to each other. API, pod, service and node port addresses are reachable from here; nothing\n" +
			"inside can reach the outside. Several clusters live side by side, told apart by --name.",
	}
	cmd.PersistentFlags().StringVar(&o.name, "name", sandbox.DefaultName, "Name of the cluster and its first node; the second is NAME-2.")
	cmd.AddCommand(devUpCommand(o), devDownCommand(o), devStatusCommand(o), devExecCommand(o), devEnvCommand(o))
	return cmd
}
