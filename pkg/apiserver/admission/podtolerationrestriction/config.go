package podtolerationrestriction

import (
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"tiphys.dev/apirules/core/podspec"
)

// apiVersion and kind of the configuration.
const (
	apiVersion = "podtolerationrestriction.admission.k8s.io/v1alpha1"
	kind       = "Configuration"
)

// config is podtolerationrestriction.admission.k8s.io/v1alpha1 Configuration: what namespaces have that do not say.
type config struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Default    []corev1.Toleration `json:"default,omitempty"`
	Whitelist  []corev1.Toleration `json:"whitelist,omitempty"`
}

func readConfig(r io.Reader) (config, error) {
	c := config{}
	if r == nil {
		return c, nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return c, fmt.Errorf("reading the configuration of %s: %w", PluginName, err)
	}
	if err := yaml.UnmarshalStrict(data, &c); err != nil {
		return c, fmt.Errorf("decoding the configuration of %s: %w", PluginName, err)
	}
	if c.APIVersion != apiVersion || c.Kind != kind {
		return c, fmt.Errorf("configuration of %s: want %s %s, not %s %s", PluginName, apiVersion, kind, c.APIVersion, c.Kind)
	}
	errs := podspec.ValidateTolerations(c.Default, field.NewPath("podtolerationrestriction", "default"))
	errs = append(errs, podspec.ValidateTolerations(c.Whitelist, field.NewPath("podtolerationrestriction", "whitelist"))...)
	return c, errs.ToAggregate()
}
