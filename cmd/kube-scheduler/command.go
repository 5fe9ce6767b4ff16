package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version/verflag"

	"tiphys.dev/tiphys/pkg/scheduler/config"
)

func newCommand() *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:           "kube-scheduler",
		Short:         "Gives pods nodes",
		Long:          "kube-scheduler watches for pods that have no node and binds each to the best node that can run it,\naccording to the profiles of its configuration.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown arguments %q", args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			verflag.PrintAndExitIfRequested()
			if err := o.components.Set(); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return err
			}
			if err := logsapi.ValidateAndApply(o.logging, utilfeature.DefaultFeatureGate); err != nil {
				return err
			}
			if err := o.complete(); err != nil {
				return err
			}
			if o.writeConfigTo != "" {
				data, err := config.Encode(o.scheduling)
				if err != nil {
					return err
				}
				return os.WriteFile(o.writeConfigTo, data, 0o644)
			}
			return run(cmd.Context(), o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}
