package allinone

import (
	"context"
	"errors"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildAPIServer(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("it is not built in yet: give a program with --use-binary=kube-apiserver=PATH"))
}
