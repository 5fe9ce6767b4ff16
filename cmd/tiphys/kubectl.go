package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"

	"tiphys.dev/tiphys/pkg/allinone"
)

// kubectlIfAsked runs kubectl for `tiphys kubectl …` and for a link to this program called
// kubectl. kubectl reads its own command line, so it must not pass through ours.
func kubectlIfAsked(args []string) (ran bool, code int) {
	switch {
	case len(args) > 1 && args[1] == "kubectl":
		args = args[1:]
	case filepath.Base(args[0]) == "kubectl":
	default:
		return false, 0
	}
	os.Args = args
	preferServerOfThisMachine()
	command := kubectl.NewDefaultKubectlCommandWithArgs(kubectl.KubectlOptions{
		PluginHandler: kubectl.NewDefaultPluginHandler([]string{"kubectl"}),
		Arguments:     args,
		ConfigFlags:   nil,
		IOStreams:     genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
	})
	if err := cli.RunNoErrOutput(command); err != nil {
		kubectlutil.CheckErr(err)
	}
	return true, 0
}

// preferServerOfThisMachine uses the credentials of `tiphys server` when the user has none.
func preferServerOfThisMachine() {
	if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" {
		return
	}
	if _, err := os.Stat(clientcmd.RecommendedHomeFile); !errors.Is(err, os.ErrNotExist) {
		return
	}
	admin := allinone.AdminKubeconfig(allinone.Default().DataDir)
	if _, err := os.Stat(admin); err == nil {
		os.Setenv(clientcmd.RecommendedConfigPathEnvVar, admin)
	}
}

// kubectlCommand is there for the help text; kubectlIfAsked runs first.
func kubectlCommand() *cobra.Command {
	return &cobra.Command{Use: "kubectl", Short: "The kubectl that fits this version", DisableFlagParsing: true}
}
