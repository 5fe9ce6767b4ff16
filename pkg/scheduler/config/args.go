package config

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	kjson "sigs.k8s.io/json"
)

const defaultExtenderTimeout = 5 * time.Second

// argTypes makes empty arguments for the plugins that have some.
var argTypes = map[string]func() runtime.Object{
	"DefaultPreemption":               func() runtime.Object { return &configv1.DefaultPreemptionArgs{} },
	"DynamicResources":                func() runtime.Object { return &configv1.DynamicResourcesArgs{} },
	"InterPodAffinity":                func() runtime.Object { return &configv1.InterPodAffinityArgs{} },
	"NodeAffinity":                    func() runtime.Object { return &configv1.NodeAffinityArgs{} },
	"NodeResourcesBalancedAllocation": func() runtime.Object { return &configv1.NodeResourcesBalancedAllocationArgs{} },
	"NodeResourcesFit":                func() runtime.Object { return &configv1.NodeResourcesFitArgs{} },
	"PodTopologySpread":               func() runtime.Object { return &configv1.PodTopologySpreadArgs{} },
	"VolumeBinding":                   func() runtime.Object { return &configv1.VolumeBindingArgs{} },
}

// newArgs returns empty arguments with kind and version, nil for plugins that are not ours.
func newArgs(name string) runtime.Object {
	make, ok := argTypes[name]
	if !ok {
		return nil
	}
	args := make()
	args.GetObjectKind().SetGroupVersionKind(configv1.SchemeGroupVersion.WithKind(name + "Args"))
	return args
}

// decodeArgs fills entry.Args.Object from the raw JSON, strictly.
func decodeArgs(entry *configv1.PluginConfig, into runtime.Object) error {
	if entry.Args.Object != nil {
		return nil
	}
	if len(entry.Args.Raw) > 0 {
		var meta metav1.TypeMeta
		if err := kjson.UnmarshalCaseSensitivePreserveInts(entry.Args.Raw, &meta); err != nil {
			return fmt.Errorf("decoding args for plugin %s: %w", entry.Name, err)
		}
		want := into.GetObjectKind().GroupVersionKind()
		if meta.Kind != "" && meta.GroupVersionKind().GroupKind() != want.GroupKind() {
			return fmt.Errorf("args for plugin %s were not of type %s, got %s", entry.Name, want.GroupKind(), meta.GroupVersionKind().GroupKind())
		}
		strict, err := kjson.UnmarshalStrict(entry.Args.Raw, into)
		if err != nil {
			return fmt.Errorf("decoding args for plugin %s: %w", entry.Name, err)
		}
		if len(strict) > 0 {
			return fmt.Errorf("decoding args for plugin %s: %w", entry.Name, runtime.NewStrictDecodingError(strict))
		}
		into.GetObjectKind().SetGroupVersionKind(want)
	}
	entry.Args = runtime.RawExtension{Object: into}
	return nil
}

func completeArgs(object runtime.Object) {
	switch args := object.(type) {
	case *configv1.DefaultPreemptionArgs:
		setDefault(&args.MinCandidateNodesPercentage, 10)
		setDefault(&args.MinCandidateNodesAbsolute, 100)
	case *configv1.DynamicResourcesArgs:
		setDefault(&args.FilterTimeout, metav1.Duration{Duration: configv1.DynamicResourcesFilterTimeoutDefault})
		setDefault(&args.BindingTimeout, metav1.Duration{Duration: configv1.DynamicResourcesBindingTimeoutDefault})
	case *configv1.InterPodAffinityArgs:
		setDefault(&args.HardPodAffinityWeight, 1)
	case *configv1.NodeResourcesBalancedAllocationArgs:
		args.Resources = completeResources(args.Resources)
	case *configv1.NodeResourcesFitArgs:
		if args.ScoringStrategy == nil {
			args.ScoringStrategy = &configv1.ScoringStrategy{Type: configv1.LeastAllocated}
		}
		args.ScoringStrategy.Resources = completeResources(args.ScoringStrategy.Resources)
	case *configv1.PodTopologySpreadArgs:
		if args.DefaultingType == "" {
			args.DefaultingType = configv1.SystemDefaulting
		}
	case *configv1.VolumeBindingArgs:
		setDefault(&args.BindTimeoutSeconds, 600)
	}
}

func completeResources(resources []configv1.ResourceSpec) []configv1.ResourceSpec {
	if len(resources) == 0 {
		return []configv1.ResourceSpec{{Name: string(v1.ResourceCPU), Weight: 1}, {Name: string(v1.ResourceMemory), Weight: 1}}
	}
	for i := range resources {
		if resources[i].Weight == 0 {
			resources[i].Weight = 1
		}
	}
	return resources
}
