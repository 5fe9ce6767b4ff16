package config

import (
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	"sigs.k8s.io/yaml"
)

var (
	scheme = newScheme()
	codecs = serializer.NewCodecFactory(scheme, serializer.EnableStrict)
)

func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(proxyconfig.AddToScheme(s))
	return s
}

// New returns an empty configuration of the right kind.
func New() *proxyconfig.KubeProxyConfiguration {
	c := &proxyconfig.KubeProxyConfiguration{}
	c.SetGroupVersionKind(proxyconfig.SchemeGroupVersion.WithKind("KubeProxyConfiguration"))
	return c
}

// Load reads a configuration file. A field that does not exist or stands twice is
// returned as warning with the configuration that the rest makes, as an old file must not keep a
// node from its services; anything else that is wrong is an error.
func Load(path string) (cfg *proxyconfig.KubeProxyConfiguration, warning error, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading proxy configuration: %w", err)
	}
	cfg, warning, err = Decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading proxy configuration %s: %w", path, err)
	}
	return cfg, warning, nil
}

// Decode is Load for bytes.
func Decode(data []byte) (cfg *proxyconfig.KubeProxyConfiguration, warning error, err error) {
	obj, _, err := codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil && runtime.IsStrictDecodingError(err) {
		warning = err
		lenient := serializer.NewCodecFactory(scheme)
		obj, _, err = lenient.UniversalDeserializer().Decode(data, nil, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	cfg, ok := obj.(*proxyconfig.KubeProxyConfiguration)
	if !ok {
		return nil, nil, fmt.Errorf("unexpected kind %T", obj)
	}
	cfg.SetGroupVersionKind(proxyconfig.SchemeGroupVersion.WithKind("KubeProxyConfiguration"))
	return cfg, warning, nil
}

// Write writes a configuration to a file.
func Write(cfg *proxyconfig.KubeProxyConfiguration, path string) error {
	data, err := yaml.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("encoding proxy configuration: %w", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("writing proxy configuration: %w", err)
	}
	return nil
}
