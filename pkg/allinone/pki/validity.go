package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Check tells which certificates do not hold at a time, for whom the clock has jumped. Nothing is changed.
func (f Files) Check(now time.Time) error {
	paths, err := filepath.Glob(filepath.Join(f.dir, "*.crt"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range paths {
		name := filepath.Base(path)
		p, err := readPair(f.dir, name[:len(name)-len(".crt")])
		if err != nil {
			errs = append(errs, err)
		} else if !within(p.cert, now) {
			errs = append(errs, outside(path, p.cert, now))
		}
	}
	return errors.Join(errs...)
}

func within(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// outside words that a certificate does not hold now. One that begins in the future has no other cause than the clock.
func outside(path string, c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) {
		return fmt.Errorf("this machine's clock says %s, but %s holds only from %s on: set the clock right (timedatectl), then start again",
			now.UTC().Format(time.RFC3339), path, c.NotBefore.UTC().Format(time.RFC3339))
	}
	return fmt.Errorf("%s has expired on %s, and this machine's clock says %s: set the clock right if it is wrong (timedatectl), then start again",
		path, c.NotAfter.UTC().Format(time.DateOnly), now.UTC().Format(time.RFC3339))
}
