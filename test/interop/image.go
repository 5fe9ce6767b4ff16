package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tiphys.dev/tiphys/build/images/compose"
	"tiphys.dev/tiphys/test/peer"
)

// serverImage answers /hostname and tries connections: upstream's agnhost and nothing else.
const serverImage = "interop.test/agnhost:1"

// writeImages fills a folder with the archives that a cluster imports at its start: what every cluster has, and the server.
func writeImages(dir string) error {
	bundled, err := filepath.Glob(filepath.Join(checkout(), "_output", "bundled", "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range bundled {
		if err := os.Symlink(archive, filepath.Join(dir, filepath.Base(archive))); err != nil {
			return err
		}
	}
	layer, err := compose.Layer([]compose.File{{Path: "agnhost", Mode: 0o755, Source: filepath.Join(peer.DefaultBinDir(), "agnhost")}}, compose.Plain)
	if err != nil {
		return fmt.Errorf("packing agnhost: %w", err)
	}
	img, err := compose.Image(runtime.GOARCH, v1.Config{Entrypoint: []string{"/agnhost"}}, layer)
	if err != nil {
		return fmt.Errorf("composing %s: %w", serverImage, err)
	}
	return compose.WriteArchive(filepath.Join(dir, "server.tar"), compose.Named{Name: serverImage, Image: img})
}
