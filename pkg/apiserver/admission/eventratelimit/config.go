package eventratelimit

import (
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// apiVersion and kind of the configuration.
const (
	apiVersion = "eventratelimit.admission.k8s.io/v1alpha1"
	kind       = "Configuration"
)

// defaultCacheSize is how many buckets of a limit are kept.
const defaultCacheSize = 4096

// limitType says what shares a bucket.
type limitType string

const (
	serverLimit    limitType = "Server"
	namespaceLimit limitType = "Namespace"
	userLimit      limitType = "User"
	sourceLimit    limitType = "SourceAndObject"
)

var limitTypes = []limitType{serverLimit, namespaceLimit, userLimit, sourceLimit}

// config is eventratelimit.admission.k8s.io/v1alpha1 Configuration.
type config struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Limits     []limit `json:"limits"`
}

type limit struct {
	Type      limitType `json:"type"`
	QPS       int32     `json:"qps"`
	Burst     int32     `json:"burst"`
	CacheSize int32     `json:"cacheSize,omitempty"`
}

func readConfig(r io.Reader) (*config, error) {
	if r == nil {
		return nil, (&config{}).validate().ToAggregate()
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", PluginName, err)
	}
	c := &config{}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return nil, fmt.Errorf("decoding the configuration of %s: %w", PluginName, err)
	}
	if c.APIVersion != apiVersion || c.Kind != kind {
		return nil, fmt.Errorf("configuration of %s: want %s %s, not %s %s", PluginName, apiVersion, kind, c.APIVersion, c.Kind)
	}
	return c, c.validate().ToAggregate()
}

func (c *config) validate() field.ErrorList {
	path := field.NewPath("limits")
	if len(c.Limits) == 0 {
		return field.ErrorList{field.Invalid(path, c.Limits, "must not be empty")}
	}
	var errs field.ErrorList
	for i, l := range c.Limits {
		at := path.Index(i)
		if !slices.Contains(limitTypes, l.Type) {
			errs = append(errs, field.NotSupported(at.Child("type"), l.Type, limitTypes))
		}
		if l.Burst <= 0 {
			errs = append(errs, field.Invalid(at.Child("burst"), l.Burst, "must be positive"))
		}
		if l.QPS <= 0 {
			errs = append(errs, field.Invalid(at.Child("qps"), l.QPS, "must be positive"))
		}
		if l.Type != serverLimit && l.CacheSize < 0 {
			errs = append(errs, field.Invalid(at.Child("cacheSize"), l.CacheSize, "must not be negative"))
		}
	}
	return errs
}
