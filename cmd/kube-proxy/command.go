package main

import (
	"fmt"

	"github.com/spf13/cobra"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version/verflag"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/proxy/config"
	"tiphys.dev/tiphys/pkg/proxy/nftables"
)

func newCommand() *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:           "kube-proxy",
		Short:         "Makes Services reachable on a node",
		Long:          "kube-proxy makes the Services of a Kubernetes cluster reachable on a node: it programs the node's\nkernel (nftables) to forward TCP, UDP and SCTP connections for service addresses to endpoints.",
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
			cfg, err := o.complete()
			if err != nil {
				return err
			}
			if o.writeConfigTo != "" {
				return config.Write(cfg, o.writeConfigTo)
			}
			if err := logsapi.ValidateAndApply(&cfg.Logging, nil); err != nil {
				return err
			}
			if o.strictWarning != nil {
				klog.FromContext(cmd.Context()).Info("The configuration file has fields that are not known", "reason", o.strictWarning.Error())
			}
			if list := config.Validate(cfg); len(list) > 0 {
				return fmt.Errorf("invalid configuration: %w", list.ToAggregate())
			}
			if o.cleanup {
				return nftables.Cleanup(cmd.Context())
			}
			return run(cmd.Context(), cfg, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}
