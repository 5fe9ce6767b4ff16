// Command tiphys is a whole Kubernetes cluster in one program: a server, development clusters in
// namespaces, image import and kubectl.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if ran, code := kubectlIfAsked(os.Args); ran {
		os.Exit(code)
	}
	root := &cobra.Command{
		Use:   "tiphys",
		Short: "A Kubernetes cluster in one program",
		Long: "tiphys runs a Kubernetes cluster.\n\n" +
			"  tiphys dev up     a cluster in namespaces of its own, for development\n" +
			"  tiphys server     a cluster on this machine itself\n" +
			"  tiphys agent      this machine as a further node of it",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serverCommand(), agentCommand(), tokenCommand(), devCommand(), nodeInitCommand(), imageCommand(), lintCommand(), kubectlCommand(), versionCommand())
	if err := root.Execute(); err != nil {
		var exit *exitCode
		if errors.As(err, &exit) {
			os.Exit(exit.code)
		}
		fmt.Fprintln(os.Stderr, "tiphys: "+err.Error())
		os.Exit(1)
	}
}

// exitCode passes on the code of a program that was run for the user and has said everything.
type exitCode struct{ code int }

func (e *exitCode) Error() string { return fmt.Sprintf("exit code %d", e.code) }
