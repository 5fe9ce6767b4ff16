package quota

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// ClassNames maps device classes and the extended resources that stand for them. extendedresourcecache.ExtendedResourceCache is
// one.
type ClassNames interface {
	// GetExtendedResource returns the extended resource that the class announces, or nothing.
	GetExtendedResource(class string) string
}

// Config says where evaluators read.
type Config struct {
	// Lister gives the objects to count, from caches. Admission never counts all and leaves it nil.
	Lister apiquota.ListerForResourceFunc
	// Classes is needed to charge claims to quotas of extended resources; without it they are charged to their class only.
	Classes ClassNames
	// Owners is needed to see that a pod has paid for the claim made for its extended resources; without it both are charged.
	Owners *Owners
	// Clock is the real one when nil.
	Clock clock.PassiveClock
}

// New makes the evaluators.
func New(c Config) (apiquota.Configuration, error) {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	list := c.list
	evaluators := []apiquota.Evaluator{
		newPods(list("pods"), c.Clock),
		newServices(list("services")),
		newVolumeClaims(list("persistentvolumeclaims")),
		newResourceClaims(c.listIn("resource.k8s.io", "v1", "resourceclaims"), c.Classes, c.Owners),
	}
	for resource, alias := range countAliases {
		evaluators = append(evaluators, generic.NewObjectCountEvaluator(corev1.Resource(resource), list(resource), alias))
	}
	return generic.NewConfiguration(evaluators, ignored()), nil
}

// countAliases are the resources whose count has a name of its own, older than count/<resource>.
var countAliases = map[string]corev1.ResourceName{
	"configmaps":             corev1.ResourceConfigMaps,
	"resourcequotas":         corev1.ResourceQuotas,
	"replicationcontrollers": corev1.ResourceReplicationControllers,
	"secrets":                corev1.ResourceSecrets,
}

func (c Config) list(resource string) generic.ListFuncByNamespace {
	return c.listIn("", "v1", resource)
}

func (c Config) listIn(group, version, resource string) generic.ListFuncByNamespace {
	if c.Lister == nil {
		return func(string) ([]runtime.Object, error) {
			return nil, errors.New("this quota configuration charges single objects and cannot count all")
		}
	}
	return generic.ListResourceUsingListerFunc(c.Lister, schema.GroupVersionResource{Group: group, Version: version, Resource: resource})
}

// ignored are the resources that no quota can count: those that are never stored, and events, which expire by themselves.
func ignored() map[schema.GroupResource]struct{} {
	all := map[schema.GroupResource]struct{}{}
	for group, resources := range map[string][]string{
		"":                      {"bindings", "componentstatuses", "events"},
		"events.k8s.io":         {"events"},
		"authentication.k8s.io": {"tokenreviews", "selfsubjectreviews"},
		"authorization.k8s.io":  {"localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"},
	} {
		for _, r := range resources {
			all[schema.GroupResource{Group: group, Resource: r}] = struct{}{}
		}
	}
	return all
}

// DeviceClasses follows the device classes; the caller starts the informers. The second result tells whether all were seen.
func DeviceClasses(logger klog.Logger, f informers.SharedInformerFactory) (ClassNames, cache.InformerSynced, error) {
	names := extendedresourcecache.NewExtendedResourceCache(logger)
	r, err := f.Resource().V1().DeviceClasses().Informer().AddEventHandler(names)
	if err != nil {
		return nil, nil, fmt.Errorf("following device classes: %w", err)
	}
	return names, r.HasSynced, nil
}
