package main

import (
	"fmt"
	"io"
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
		Short: "Bring images into all nodes of a cluster from archives (OCI or docker save)",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mustBeRoot(); err != nil {
				return err
			}
			if err := cfg.CompletePaths(); err != nil {
				return err
			}
			work := func() error { return importAll(cmd, allinone.ImporterFor(cfg), args, cmd.OutOrStdout()) }
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
			// Whatever node a pod comes to, its image must be there.
			for _, name := range cluster.NodeNames() {
				node, err := cluster.NodeNamespaces(name)
				if err != nil {
					return err
				}
				if err := node.Do(work); err != nil {
					return fmt.Errorf("node %s: %w", name, err)
				}
				work = func() error { return importAll(cmd, allinone.ImporterFor(cfg), args, io.Discard) }
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", sandbox.DefaultName, "Name of the development cluster.")
	f.BoolVar(&onServer, "server", false, "Import into the `tiphys server` or `tiphys agent` of this machine instead.")
	f.StringVar(&cfg.NodeBinDir, "node-bin-dir", "", "Folder of containerd's tools.")
	f.StringVar(&cfg.RunDir, "run-dir", cfg.RunDir, "Folder of the server's sockets.")
	return cmd
}

// importAll says what it has imported.
func importAll(cmd *cobra.Command, importer image.Importer, archives []string, out io.Writer) error {
	for _, archive := range archives {
		if _, err := os.Stat(archive); err != nil {
			return err
		}
		names, err := importer.Import(cmd.Context(), archive)
		if err != nil {
			return err
		}
		for _, name := range names {
			fmt.Fprintln(out, name)
		}
	}
	return nil
}
