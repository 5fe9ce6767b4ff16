package imagepolicy

import (
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// config is the form of the configuration.
type config struct {
	ImagePolicy settings `json:"imagePolicy"`
}

// settings have TTLs in seconds and the back-off in milliseconds; zero means the default, -1 none.
type settings struct {
	KubeConfigFile string        `json:"kubeConfigFile"`
	RetryBackoff   time.Duration `json:"retryBackoff"`
	AllowTTL       time.Duration `json:"allowTTL"`
	DenyTTL        time.Duration `json:"denyTTL"`
	DefaultAllow   bool          `json:"defaultAllow"`
}

func readConfig(r io.Reader) (*settings, error) {
	if r == nil {
		return nil, errors.New("no config specified")
	}
	c := config{}
	if err := yaml.NewYAMLOrJSONDecoder(r, 4096).Decode(&c); err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", PluginName, err)
	}
	s := &c.ImagePolicy
	if s.KubeConfigFile == "" {
		return nil, errors.New("invalid image policy config: kubeConfigFile is required")
	}
	for _, v := range []struct {
		name                string
		value               *time.Duration
		unit, def, low, top time.Duration
	}{
		{"retry backoff", &s.RetryBackoff, time.Millisecond, 500 * time.Millisecond, time.Millisecond, 5 * time.Minute},
		{"allow cache", &s.AllowTTL, time.Second, 5 * time.Minute, time.Second, 30 * time.Minute},
		{"deny cache", &s.DenyTTL, time.Second, 30 * time.Second, time.Second, 30 * time.Minute},
	} {
		d, err := normalize(v.name, *v.value, v.unit, v.def, v.low, v.top)
		if err != nil {
			return nil, err
		}
		*v.value = d
	}
	return s, nil
}

func normalize(name string, v, unit, def, low, top time.Duration) (time.Duration, error) {
	switch v {
	case 0:
		return def, nil
	case -1:
		return 0, nil
	}
	v *= unit
	if v < low || v > top {
		return 0, fmt.Errorf("%s: valid value is between %v and %v, got %v", name, low, top, v)
	}
	return v, nil
}
