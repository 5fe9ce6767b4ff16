package serviceaccount

import (
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

func counter(name, help string) *metrics.Counter {
	return metrics.NewCounter(&metrics.CounterOpts{Subsystem: "serviceaccount", Name: name, Help: help, StabilityLevel: metrics.ALPHA})
}

// The metrics are upstream's. They are registered where the generic API server serves all of its own.
var (
	legacyUses        = counter("legacy_tokens_total", "Cumulative legacy service account tokens used")
	staleUses         = counter("stale_tokens_total", "Cumulative stale projected service account tokens used")
	validUses         = counter("valid_tokens_total", "Cumulative valid projected service account tokens used")
	generatedUses     = counter("legacy_auto_token_uses_total", "Cumulative auto-generated legacy tokens used")
	manualUses        = counter("legacy_manual_token_uses_total", "Cumulative manually created legacy tokens used")
	invalidatedUses   = counter("invalid_legacy_auto_token_uses_total", "Cumulative invalid auto-generated legacy tokens used")
	serviceAccountUse = []metrics.Registerable{legacyUses, staleUses, validUses, generatedUses, manualUses, invalidatedUses}
)

func init() { legacyregistry.MustRegister(serviceAccountUse...) }
