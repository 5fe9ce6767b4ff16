package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

func devExecCommand(o *devOptions) *cobra.Command {
	var node string
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARG...]",
		Short: "Run a command inside a development cluster's node (a shell if none is given)",
		Example: "  tiphys dev exec -- nft list ruleset\n" +
			"  tiphys dev exec --node tiphys-2 -- ip route\n" +
			"  tiphys dev exec --name other -- ctr -a /run/tiphys/containerd/containerd.sock -n k8s.io containers ls",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := mustBeRoot(); err != nil {
				return err
			}
			cluster, err := sandbox.Open(o.config())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{"/bin/sh"}
			}
			command := exec.Command(args[0], args[1:]...)
			command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
			// Ctrl-C is for the command; we go when it goes.
			signal.Ignore(syscall.SIGINT, syscall.SIGQUIT)
			set, err := cluster.NodeNamespaces(node)
			if err != nil {
				return err
			}
			if err := set.Do(command.Start); err != nil {
				return err
			}
			err = command.Wait()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return &exitCode{code: exit.ExitCode()}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&node, "node", "", "The node, by its name; the first if not given.")
	return cmd
}
