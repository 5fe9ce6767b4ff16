package podtopologyspread

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// constraint is one parsed constraint of a pod.
type constraint struct {
	key           string
	maxSkew       int64
	minDomains    int
	selector      labels.Selector
	honorAffinity bool
	honorTaints   bool
	selectsItself bool
}

// constraints returns the pod's own constraints of one kind, or the defaults when it has none at all.
func (p *Plugin) constraints(pod *v1.Pod, action v1.UnsatisfiableConstraintAction) ([]constraint, error) {
	source := pod.Spec.TopologySpreadConstraints
	var selector labels.Selector
	if len(source) == 0 {
		if len(p.defaults) == 0 {
			return nil, nil
		}
		if selector = p.owners.selectorOf(pod); selector.Empty() {
			return nil, nil
		}
		source = p.defaults
	}
	var out []constraint
	for i := range source {
		if source[i].WhenUnsatisfiable != action {
			continue
		}
		parsed, err := parse(&source[i], pod, selector)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed)
	}
	return out, nil
}

func parse(c *v1.TopologySpreadConstraint, pod *v1.Pod, selector labels.Selector) (constraint, error) {
	if selector == nil {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(c.LabelSelector); err != nil {
			return constraint{}, fmt.Errorf("parsing selector of spread constraint on %s: %w", c.TopologyKey, err)
		}
		for _, key := range c.MatchLabelKeys {
			value, ok := pod.Labels[key]
			if !ok {
				continue
			}
			requirement, err := labels.NewRequirement(key, selection.In, []string{value})
			if err != nil {
				return constraint{}, fmt.Errorf("match label key %s: %w", key, err)
			}
			selector = selector.Add(*requirement)
		}
	}
	return constraint{
		key: c.TopologyKey, maxSkew: int64(c.MaxSkew), minDomains: int(ptr.Deref(c.MinDomains, 1)), selector: selector,
		honorAffinity: c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == v1.NodeInclusionPolicyHonor,
		honorTaints:   c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == v1.NodeInclusionPolicyHonor,
		selectsItself: selector.Matches(labels.Set(pod.Labels)),
	}, nil
}

// inclusion tells whether a node's pods count.
type inclusion struct {
	affinity    *nodeaffinity.RequiredNodeAffinity
	tolerations []v1.Toleration
}

func inclusionFor(pod *v1.Pod) inclusion {
	in := inclusion{tolerations: pod.Spec.Tolerations}
	if len(pod.Spec.NodeSelector) > 0 || (pod.Spec.Affinity != nil && pod.Spec.Affinity.NodeAffinity != nil &&
		pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil) {
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		in.affinity = &affinity
	}
	return in
}

func (in *inclusion) counts(c *constraint, node *v1.Node) bool {
	if c.honorAffinity && in.affinity != nil {
		if match, _ := in.affinity.Match(node); !match {
			return false
		}
	}
	if c.honorTaints && len(node.Spec.Taints) > 0 {
		if _, refused := corev1helpers.FindMatchingUntoleratedTaint(klog.Logger{}, node.Spec.Taints, in.tolerations, func(taint *v1.Taint) bool {
			return taint.Effect == v1.TaintEffectNoSchedule || taint.Effect == v1.TaintEffectNoExecute
		}, false); refused {
			return false
		}
	}
	return true
}

// plain tells that every node with the topology keys counts.
func (in *inclusion) plain(c *constraint) bool {
	return !(c.honorAffinity && in.affinity != nil) && !c.honorTaints
}

func (p *Plugin) counter(pod *v1.Pod, c *constraint) *cache.Counter {
	return p.snapshot.Counter(cache.CounterOptions{
		Namespaces: sets.New(pod.Namespace), Selector: c.selector, TopologyKey: c.key, SkipTerminating: true,
	})
}

// owners finds what a pod belongs to.
type owners struct {
	services     corelisters.ServiceLister
	controllers  corelisters.ReplicationControllerLister
	replicaSets  appslisters.ReplicaSetLister
	statefulSets appslisters.StatefulSetLister
}

// selectorOf selects the siblings of a pod: those of all its services and of its controller. Empty when it has none.
func (o *owners) selectorOf(pod *v1.Pod) labels.Selector {
	merged := labels.Set{}
	if services, err := o.services.Services(pod.Namespace).List(labels.Everything()); err == nil {
		for _, service := range services {
			if len(service.Spec.Selector) > 0 && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
				for key, value := range service.Spec.Selector {
					merged[key] = value
				}
			}
		}
	}
	selector := labels.NewSelector()
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		var own *metav1.LabelSelector
		switch owner.APIVersion + "/" + owner.Kind {
		case "v1/ReplicationController":
			if object, err := o.controllers.ReplicationControllers(pod.Namespace).Get(owner.Name); err == nil {
				for key, value := range object.Spec.Selector {
					merged[key] = value
				}
			}
		case appsv1.SchemeGroupVersion.String() + "/ReplicaSet":
			if object, err := o.replicaSets.ReplicaSets(pod.Namespace).Get(owner.Name); err == nil {
				own = object.Spec.Selector
			}
		case appsv1.SchemeGroupVersion.String() + "/StatefulSet":
			if object, err := o.statefulSets.StatefulSets(pod.Namespace).Get(owner.Name); err == nil {
				own = object.Spec.Selector
			}
		}
		if own != nil {
			if parsed, err := metav1.LabelSelectorAsSelector(own); err == nil {
				requirements, _ := parsed.Requirements()
				selector = selector.Add(requirements...)
			}
		}
	}
	requirements, _ := labels.SelectorFromSet(merged).Requirements()
	return selector.Add(requirements...)
}
