package config

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"
)

// Load parses a configuration file and completes it.
func Load(data []byte) (*configv1.KubeSchedulerConfiguration, error) {
	cfg, err := Parse(data)
	if err != nil {
		return nil, err
	}
	return cfg, Complete(cfg)
}

// Parse reads a configuration file, strictly, as it is.
func Parse(data []byte) (*configv1.KubeSchedulerConfiguration, error) {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(data, &meta); err != nil {
		return nil, fmt.Errorf("reading the scheduler configuration: %w", err)
	}
	if meta.Kind != "KubeSchedulerConfiguration" || meta.APIVersion != configv1.SchemeGroupVersion.String() {
		return nil, fmt.Errorf("couldn't decode as KubeSchedulerConfiguration, got %s", meta.GroupVersionKind())
	}
	cfg := &configv1.KubeSchedulerConfiguration{}
	if err := yaml.UnmarshalStrict(data, cfg); err != nil {
		return nil, fmt.Errorf("reading the scheduler configuration: %w", err)
	}
	return cfg, nil
}

// Encode writes a completed configuration as YAML.
func Encode(cfg *configv1.KubeSchedulerConfiguration) ([]byte, error) {
	out, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("writing the scheduler configuration: %w", err)
	}
	return out, nil
}
