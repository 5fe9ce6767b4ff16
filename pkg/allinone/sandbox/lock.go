package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock lets one `tiphys dev` at a time work on a cluster; another waits.
func (c *Cluster) lock() (unlock func(), err error) {
	path := filepath.Join(c.cfg.Home, c.cfg.Name+".lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking cluster %s: %w", c.cfg.Name, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking cluster %s: %w", c.cfg.Name, err)
	}
	return func() { file.Close() }, nil
}

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EBUSY)
}
