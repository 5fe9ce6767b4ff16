package admission

import (
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
)

// Config says which plugins are on.
type Config struct {
	*options.AdmissionOptions
	// Plugin settings that have flags of their own.
	Settings Settings
}

// Settings are what single plugins can be told by flag.
type Settings struct {
	// DefaultNotReadyTolerationSeconds and DefaultUnreachableTolerationSeconds are given to pods that do not say how long they
	// tolerate those taints.
	DefaultNotReadyTolerationSeconds, DefaultUnreachableTolerationSeconds int64
}

// NewConfig returns the defaults: the plugins that upstream has on, in its order.
func NewConfig() *Config {
	c := &Config{AdmissionOptions: options.NewAdmissionOptions()}
	c.Settings = Settings{DefaultNotReadyTolerationSeconds: 300, DefaultUnreachableTolerationSeconds: 300}
	c.RecommendedPluginOrder = nil
	c.DefaultOffPlugins = sets.New[string]()
	for _, p := range plugins {
		if p.register != nil {
			p.register(c.Plugins, &c.Settings)
		}
		c.RecommendedPluginOrder = append(c.RecommendedPluginOrder, p.name)
		if !p.on {
			c.DefaultOffPlugins.Insert(p.name)
		}
	}
	return c
}

// ApplyTo builds the chain, with the plugins' initializers of this package added to those of the library and of the caller.
func (c *Config) ApplyTo(server *genericapiserver.Config, f informers.SharedInformerFactory, client kubernetes.Interface,
	dynamicClient dynamic.Interface, gates featuregate.FeatureGate, version compatibility.EffectiveVersion,
	initializers ...admission.PluginInitializer,
) error {
	own, err := newInitializer(f)
	if err != nil {
		return err
	}
	// The measuring decorator is around this one.
	c.Decorators = append(admission.Decorators{idle(f)}, c.Decorators...)
	return c.AdmissionOptions.ApplyTo(server, f, client, dynamicClient, gates, version, append(initializers, own)...)
}
