package apiserver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	cliflag "k8s.io/component-base/cli/flag"
)

func TestDropUnserved(t *testing.T) {
	for name, c := range map[string]struct{ given, want cliflag.ConfigurationMap }{
		"nothing":           {cliflag.ConfigurationMap{}, cliflag.ConfigurationMap{}},
		"served":            {cliflag.ConfigurationMap{"batch/v1": "false", "autoscaling/v1": "true"}, cliflag.ConfigurationMap{"batch/v1": "false", "autoscaling/v1": "true"}},
		"beta":              {cliflag.ConfigurationMap{"networking.k8s.io/v1beta1": "true", "resource.k8s.io/v1beta2/deviceclasses": "true"}, cliflag.ConfigurationMap{"networking.k8s.io/v1beta1": "true", "resource.k8s.io/v1beta2/deviceclasses": "true"}},
		"beta switched off": {cliflag.ConfigurationMap{"storage.k8s.io/v1beta1": "false"}, cliflag.ConfigurationMap{"storage.k8s.io/v1beta1": "false"}},
		"without resources": {cliflag.ConfigurationMap{"batch/v1beta1": "true", "apps/v1beta1": "false"}, cliflag.ConfigurationMap{}},
		"unknown":           {cliflag.ConfigurationMap{"apps/v9": "true", "odd/v1": "true"}, cliflag.ConfigurationMap{"apps/v9": "true", "odd/v1": "true"}},
		"many":              {cliflag.ConfigurationMap{"api/beta": "true", "api/all": "false"}, cliflag.ConfigurationMap{"api/beta": "true", "api/all": "false"}},
		"core":              {cliflag.ConfigurationMap{"v1": "true"}, cliflag.ConfigurationMap{"v1": "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewConfig()
			config.Enablement.RuntimeConfig = c.given
			config.dropUnserved()
			if diff := cmp.Diff(c.want, config.Enablement.RuntimeConfig); diff != "" {
				t.Error(diff)
			}
		})
	}
}
