package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/component-base/version"
	"k8s.io/component-base/version/verflag"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
)

func newCommand() *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:           "kube-apiserver",
		Short:         "Serve the Kubernetes API",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			verflag.PrintAndExitIfRequested()
			return run(cmd, o)
		},
	}
	sets := o.flags()
	verflag.AddFlags(sets.FlagSet("global"))
	globalflag.AddGlobalFlags(sets.FlagSet("global"), cmd.Name(), logs.SkipLoggingConfigurationFlags())
	for _, fs := range sets.FlagSets {
		cmd.Flags().AddFlagSet(fs)
	}
	columns, _, _ := term.TerminalSize(cmd.OutOrStdout())
	cliflag.SetUsageAndHelpFunc(cmd, *sets, columns)
	return cmd
}

func run(cmd *cobra.Command, o *options) error {
	ctx := genericapiserver.SetupSignalContext()
	if err := o.config.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(o.logs, utilfeature.DefaultFeatureGate); err != nil {
		return fmt.Errorf("logging settings: %w", err)
	}
	cliflag.PrintFlags(cmd.Flags())
	if errs := o.metrics.Validate(); len(errs) > 0 {
		return errors.Join(errs...)
	}
	o.metrics.Apply()
	config, err := o.complete()
	if err != nil {
		return err
	}
	klog.InfoS("Starting kube-apiserver", "version", version.Get(), "pid", os.Getpid())
	// Gates and versions are settled now: /metrics tells them.
	utilfeature.DefaultMutableFeatureGate.AddMetrics()
	o.config.ServerRun.ComponentGlobalsRegistry.AddMetrics()
	o.explainUnused()
	server, err := apiserver.New(ctx, config)
	if err != nil {
		return err
	}
	pace := gcpace.Default()
	// It allocates about 120 MiB until it is ready.
	pace.StartBytes = 192 << 20
	pacer, err := gcpace.New(pace)
	if err != nil {
		return err
	}
	go func() { _ = pacer.Run(ctx) }()
	err = server.Run(ctx)
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
