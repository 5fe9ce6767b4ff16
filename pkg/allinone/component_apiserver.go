package allinone

import (
	"context"
	"errors"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildAPIServer(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("not built in yet: give a program with --use-binary=kube-apiserver=PATH"))
}
func (a *assembly) buildControllerManager(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("not built in yet: give a program with --use-binary"))
}
func (a *assembly) buildScheduler(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("not built in yet: give a program with --use-binary"))
}
func (a *assembly) buildKubelet(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("not built in yet: give a program with --use-binary"))
}
func (a *assembly) buildProxy(context.Context) (lifecycle.Runner, error) {
	return nil, lifecycle.Permanent(errors.New("not built in yet: give a program with --use-binary"))
}
