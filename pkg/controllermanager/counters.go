package controllermanager

import (
	"fmt"

	"k8s.io/component-base/metrics"

	"tiphys.dev/tiphys/pkg/controller/ephemeralvolume"
	"tiphys.dev/tiphys/pkg/controller/resourceclaim"
)

// counters are metrics of single controllers. They live as long as the manager: a controller may be built more than once.
type counters struct {
	ephemeral      *ephemeralvolume.Counters
	resourceClaims *metrics.CounterVec
}

func newCounters(r metrics.KubeRegistry) (*counters, error) {
	c := &counters{}
	var err error
	if c.ephemeral, err = ephemeralvolume.NewCounters(r); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	if c.resourceClaims, err = resourceclaim.NewCounter(r); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return c, nil
}
