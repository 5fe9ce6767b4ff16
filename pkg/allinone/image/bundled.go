package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// Bundled imports the archives of a folder that this containerd has not had in their present form.
// markDir remembers them; it belongs with the containerd's root and is removed with it.
func (i Importer) Bundled(ctx context.Context, dir, markDir string) error {
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return err
	}
	var errs []error
	for _, archive := range archives {
		info, err := os.Stat(archive)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		mark := filepath.Join(markDir, filepath.Base(archive)+".imported")
		form := fmt.Sprintf("%d bytes of %s\n", info.Size(), info.ModTime().UTC())
		if had, err := os.ReadFile(mark); err == nil && string(had) == form {
			continue
		}
		if _, err := i.Import(ctx, archive); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, atomicfile.Write(mark, []byte(form), 0o644))
	}
	return errors.Join(errs...)
}
