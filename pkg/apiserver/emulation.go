package apiserver

import (
	"fmt"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

// lifecycle knows which resources the emulated release has; nil where the server is what it is (--emulated-version).
func (g *generic) lifecycle() (genericapiserver.ResourceExpirationEvaluator, error) {
	v := g.config.EffectiveVersion
	if v == nil || v.EmulationVersion() == nil || v.BinaryVersion() == nil || !v.EmulationVersion().LessThan(v.BinaryVersion()) ||
		v.EmulationVersion().Minor() == v.BinaryVersion().Minor() {
		return nil, nil
	}
	e, err := genericapiserver.NewResourceExpirationEvaluatorFromOptions(genericapiserver.ResourceExpirationEvaluatorOptions{
		CurrentVersion: v.EmulationVersion(), Prerelease: v.BinaryVersion().PreRelease(),
		EmulationForwardCompatible:              g.config.EmulationForwardCompatible,
		RuntimeConfigEmulationForwardCompatible: g.config.RuntimeConfigEmulationForwardCompatible,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the lifecycle of resources: %w", err)
	}
	return e, nil
}
