package config

import (
	"strings"
	"testing"

	configv1 "k8s.io/kube-scheduler/config/v1"
)

const header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func listed(plugins []configv1.Plugin) string {
	var out []string
	for _, plugin := range plugins {
		out = append(out, plugin.Name)
	}
	return strings.Join(out, " ")
}

func TestProfilesMergeWithDefaults(t *testing.T) {
	cfg, err := Load([]byte(header + `
profiles:
- schedulerName: a
  plugins:
    multiPoint:
      enabled: [{name: Mine, weight: 5}, {name: TaintToleration, weight: 9}]
      disabled: [{name: ImageLocality}]
- schedulerName: b
  plugins:
    multiPoint:
      enabled: [{name: PrioritySort}, {name: DefaultBinder}, {name: NodeResourcesFit}]
      disabled: [{name: "*"}]
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu}]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if errs := Validate(cfg); len(errs) > 0 {
		t.Fatal(errs)
	}
	a := cfg.Profiles[0].Plugins.MultiPoint.Enabled
	if got := listed(a); strings.Contains(got, "ImageLocality") || !strings.HasSuffix(got, " Mine") {
		t.Errorf("profile a has %s", got)
	}
	for _, plugin := range a {
		if plugin.Name == "TaintToleration" && *plugin.Weight != 9 {
			t.Errorf("the user's weight is lost: %d", *plugin.Weight)
		}
	}
	if got := listed(cfg.Profiles[1].Plugins.MultiPoint.Enabled); got != "PrioritySort DefaultBinder NodeResourcesFit" {
		t.Errorf("profile b has %s", got)
	}
	args := cfg.Profiles[1].PluginConfig[0].Args.Object.(*configv1.NodeResourcesFitArgs)
	if args.ScoringStrategy.Type != configv1.MostAllocated || args.ScoringStrategy.Resources[0].Weight != 1 {
		t.Errorf("args of profile b: %+v", args.ScoringStrategy)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, one := range []struct{ name, text, want string }{
		{"unknown field", "nonsense: 1", "unknown field"},
		{"unknown field of args", "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {nonsense: 1}}]}]", "nonsense"},
		{"kind of args", "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: NodeAffinityArgs}}]}]", "were not of type"},
		{"percentage", "percentageOfNodesToScore: 101", "not in valid range [0-100]"},
		{"parallelism", "parallelism: -1", "greater than zero"},
		{"back-off", "podInitialBackoffSeconds: 20", "podMaxBackoffSeconds"},
		{"two of a name", "profiles: [{schedulerName: a}, {schedulerName: a}]", "Duplicate value"},
		{"nameless", "profiles: [{schedulerName: a}, {}]", "Required value"},
		{"shape", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 50, score: 11}]}}}}]}]", "not in valid range [0, 10]"},
		{"extender weight", "extenders: [{urlPrefix: 'http://x', prioritizeVerb: p}]", "positive weight"},
		{"lock", "leaderElection: {leaderElect: true, resourceLock: endpoints}", `must be "leases"`},
	} {
		t.Run(one.name, func(t *testing.T) {
			cfg, err := Load([]byte(header + one.text))
			if err == nil {
				if errs := Validate(cfg); len(errs) > 0 {
					err = errs.ToAggregate()
				}
			}
			if err == nil || !strings.Contains(err.Error(), one.want) {
				t.Errorf("want an error with %q, got %v", one.want, err)
			}
		})
	}
}
