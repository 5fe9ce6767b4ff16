package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tiphys.dev/tiphys/pkg/allinone"
	"tiphys.dev/tiphys/pkg/allinone/image"
	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

func imageCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "image", Short: "Images of a cluster"}
	cmd.AddCommand(imageImportCommand())
	return cmd
}

func imageImportCommand() *cobra.Command {
	o := &devOptions{}
	onServer := false
	cfg := allinone.Default()
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Bring images into a cluster from archives (OCI or docker save)",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mustBeRoot(); err != nil {
				return err
			}
			if err := cfg.CompletePaths(); err != nil {
				return err
			}
			work := func() error { return importAll(cmd, allinone.ImporterFor(cfg), args) }
			if onServer {
				return work()
			}
			cluster, err := sandbox.Open(o.config())
			if err != nil {
				return fmt.Errorf("%w; for `tiphys server` on this machine add --server", err)
			}
			// Relative names must be resolved before the working folder is left.
			for i, arg := range args {
				if args[i], err = filepath.Abs(arg); err != nil {
					return err
				}
			}
			return cluster.Namespaces().Do(work)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", sandbox.DefaultName, "Name of the development cluster.")
	f.BoolVar(&onServer, "server", false, "Import into the `tiphys server` of this machine instead.")
	f.StringVar(&cfg.NodeBinDir, "node-bin-dir", "", "Folder of containerd's tools.")
	f.StringVar(&cfg.RunDir, "run-dir", cfg.RunDir, "Folder of the server's sockets.")
	return cmd
}

func importAll(cmd *cobra.Command, importer image.Importer, archives []string) error {
	for _, archive := range archives {
		if _, err := os.Stat(archive); err != nil {
			return err
		}
		names, err := importer.Import(context.Background(), archive)
		if err != nil {
			return err
		}
		for _, name := range names {
			fmt.Fprintln(cmd.OutOrStdout(), name)
		}
	}
	return nil
}
