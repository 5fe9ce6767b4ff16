package config

import (
	"slices"
	"sort"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	componentbase "k8s.io/component-base/config/v1alpha1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/scheduler/plugins/names"
)

// Default returns the configuration of a scheduler nobody configured.
func Default() (*configv1.KubeSchedulerConfiguration, error) {
	cfg := &configv1.KubeSchedulerConfiguration{}
	return cfg, Complete(cfg)
}

// Complete fills in everything left open.
func Complete(cfg *configv1.KubeSchedulerConfiguration) error {
	cfg.TypeMeta = metav1.TypeMeta{APIVersion: configv1.SchemeGroupVersion.String(), Kind: "KubeSchedulerConfiguration"}
	setDefault(&cfg.Parallelism, 16)
	setDefault(&cfg.PercentageOfNodesToScore, 0)
	setDefault(&cfg.PodInitialBackoffSeconds, 1)
	setDefault(&cfg.PodMaxBackoffSeconds, 10)
	setDefault(&cfg.EnableContentionProfiling, true)
	componentbase.RecommendedDebuggingConfiguration(&cfg.DebuggingConfiguration)

	election := &cfg.LeaderElection
	if election.ResourceLock == "" {
		election.ResourceLock = "leases"
	}
	if election.ResourceNamespace == "" {
		election.ResourceNamespace = configv1.SchedulerDefaultLockObjectNamespace
	}
	if election.ResourceName == "" {
		election.ResourceName = configv1.SchedulerDefaultLockObjectName
	}
	componentbase.RecommendedDefaultLeaderElectionConfiguration(election)
	componentbase.RecommendedDefaultClientConnectionConfiguration(&cfg.ClientConnection)

	for i := range cfg.Extenders {
		if cfg.Extenders[i].HTTPTimeout.Duration == 0 {
			cfg.Extenders[i].HTTPTimeout = metav1.Duration{Duration: defaultExtenderTimeout}
		}
		if cfg.Extenders[i].TLSConfig != nil && cfg.Extenders[i].TLSConfig.Insecure {
			cfg.Extenders[i].EnableHTTPS = true
		}
	}
	if len(cfg.Profiles) == 0 {
		cfg.Profiles = []configv1.KubeSchedulerProfile{{}}
	}
	// Only a single profile may leave its name open.
	if len(cfg.Profiles) == 1 {
		setDefault(&cfg.Profiles[0].SchedulerName, v1.DefaultSchedulerName)
	}
	for i := range cfg.Profiles {
		if err := completeProfile(&cfg.Profiles[i]); err != nil {
			return err
		}
	}
	return nil
}

func completeProfile(profile *configv1.KubeSchedulerProfile) error {
	profile.Plugins = withDefaultPlugins(profile.Plugins)
	given := map[string]bool{}
	for i := range profile.PluginConfig {
		entry := &profile.PluginConfig[i]
		given[entry.Name] = true
		if args := newArgs(entry.Name); args != nil {
			if err := decodeArgs(entry, args); err != nil {
				return err
			}
			completeArgs(entry.Args.Object)
		}
	}
	for _, name := range argNames() {
		if given[name] || !enabledAnywhere(profile.Plugins, name) {
			continue
		}
		args := newArgs(name)
		completeArgs(args)
		profile.PluginConfig = append(profile.PluginConfig, configv1.PluginConfig{Name: name, Args: runtime.RawExtension{Object: args}})
	}
	return nil
}

// withDefaultPlugins merges what the user enabled and disabled at MultiPoint into the default list.
func withDefaultPlugins(custom *configv1.Plugins) *configv1.Plugins {
	if custom == nil {
		custom = &configv1.Plugins{}
	}
	merged := custom.DeepCopy()
	disabled := map[string]bool{}
	for _, plugin := range custom.MultiPoint.Disabled {
		disabled[plugin.Name] = true
	}
	replace := map[string]configv1.Plugin{}
	for _, plugin := range custom.MultiPoint.Enabled {
		replace[plugin.Name] = plugin
	}
	var enabled []configv1.Plugin
	taken := map[string]bool{}
	if !disabled["*"] {
		for _, standard := range names.Default() {
			if disabled[standard.Name] {
				continue
			}
			plugin := configv1.Plugin{Name: standard.Name, Weight: ptr.To(standard.Weight)}
			// Named again without having been disabled: the user's weight in the default place.
			if own, ok := replace[standard.Name]; ok {
				plugin, taken[standard.Name] = own, true
			}
			enabled = append(enabled, plugin)
		}
	}
	for _, plugin := range custom.MultiPoint.Enabled {
		if !taken[plugin.Name] {
			enabled = append(enabled, plugin)
		}
	}
	for i := range enabled {
		if enabled[i].Weight == nil {
			enabled[i].Weight = ptr.To[int32](0)
		}
	}
	merged.MultiPoint.Enabled = enabled
	merged.MultiPoint.Disabled = nil
	return merged
}

func enabledAnywhere(plugins *configv1.Plugins, name string) bool {
	for _, set := range Sets(plugins) {
		if slices.ContainsFunc(set.Set.Enabled, func(p configv1.Plugin) bool { return p.Name == name }) {
			return true
		}
	}
	return false
}

// NamedSet is one extension point's plugins.
type NamedSet struct {
	Point string
	Set   *configv1.PluginSet
}

// Sets lists all extension points.
func Sets(p *configv1.Plugins) []NamedSet {
	return []NamedSet{
		{"multiPoint", &p.MultiPoint}, {"preEnqueue", &p.PreEnqueue}, {"queueSort", &p.QueueSort}, {"preFilter", &p.PreFilter}, {"filter", &p.Filter},
		{"postFilter", &p.PostFilter}, {"preScore", &p.PreScore}, {"score", &p.Score}, {"reserve", &p.Reserve}, {"permit", &p.Permit},
		{"preBind", &p.PreBind}, {"bind", &p.Bind}, {"postBind", &p.PostBind}, {"placementGenerate", &p.PlacementGenerate}, {"placementScore", &p.PlacementScore},
	}
}

func argNames() []string {
	out := make([]string, 0, len(argTypes))
	for name := range argTypes {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
