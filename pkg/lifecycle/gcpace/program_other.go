//go:build !linux

package gcpace

import "errors"

func dropProgram() error { return errors.ErrUnsupported }
