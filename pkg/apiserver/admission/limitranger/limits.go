package limitranger

import (
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	resourcehelper "k8s.io/component-helpers/resource"
)

// asked is what an object requests and is limited to.
type asked struct{ requests, limits corev1.ResourceList }

// checkPod returns everything by which the pod breaks the range.
func checkPod(r *corev1.LimitRange, pod *corev1.Pod) error {
	var errs []error
	for i := range r.Spec.Limits {
		item := &r.Spec.Limits[i]
		switch item.Type {
		case corev1.LimitTypeContainer:
			for _, c := range pod.Spec.Containers {
				errs = append(errs, check(item, asked{c.Resources.Requests, c.Resources.Limits})...)
			}
			for _, c := range pod.Spec.InitContainers {
				errs = append(errs, check(item, asked{c.Resources.Requests, c.Resources.Limits})...)
			}
		case corev1.LimitTypePod:
			errs = append(errs, check(item, sum(pod))...)
		}
	}
	return utilerrors.NewAggregate(errs)
}

// sum is what the pod takes as a whole. Overhead is the runtime's business and not the author's, so it is left out.
func sum(pod *corev1.Pod) asked {
	o := resourcehelper.PodResourcesOptions{ExcludeOverhead: true}
	return asked{resourcehelper.PodRequests(pod, o), resourcehelper.PodLimits(pod, o)}
}

func check(item *corev1.LimitRangeItem, a asked) []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(item.Min)) {
		errs = collect(errs, a.atLeast(item.Type, name, item.Min[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(item.Max)) {
		errs = collect(errs, a.atMost(item.Type, name, item.Max[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(item.MaxLimitRequestRatio)) {
		errs = collect(errs, a.ratio(item.Type, name, item.MaxLimitRequestRatio[name]))
	}
	return errs
}

func collect(errs []error, err error) []error {
	if err != nil {
		errs = append(errs, err)
	}
	return errs
}

func (a asked) atLeast(kind corev1.LimitType, name corev1.ResourceName, least resource.Quantity) error {
	request, hasRequest := a.requests[name]
	limit, hasLimit := a.limits[name]
	switch {
	case !hasRequest:
		return fmt.Errorf("minimum %s usage per %s is %s.  No request is specified", name, kind, least.String())
	case request.Cmp(least) < 0:
		return fmt.Errorf("minimum %s usage per %s is %s, but request is %s", name, kind, least.String(), request.String())
	case hasLimit && limit.Cmp(least) < 0:
		return fmt.Errorf("minimum %s usage per %s is %s, but limit is %s", name, kind, least.String(), limit.String())
	}
	return nil
}

func (a asked) atMost(kind corev1.LimitType, name corev1.ResourceName, most resource.Quantity) error {
	request, hasRequest := a.requests[name]
	limit, hasLimit := a.limits[name]
	switch {
	case !hasLimit:
		return fmt.Errorf("maximum %s usage per %s is %s.  No limit is specified", name, kind, most.String())
	case limit.Cmp(most) > 0:
		return fmt.Errorf("maximum %s usage per %s is %s, but limit is %s", name, kind, most.String(), limit.String())
	case hasRequest && request.Cmp(most) > 0:
		return fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, kind, most.String(), request.String())
	}
	return nil
}

func (a asked) ratio(kind corev1.LimitType, name corev1.ResourceName, most resource.Quantity) error {
	request, hasRequest := a.requests[name]
	limit, hasLimit := a.limits[name]
	prefix := fmt.Sprintf("%s max limit to request ratio per %s is %s", name, kind, most.String())
	if !hasRequest || request.IsZero() {
		return fmt.Errorf("%s, but no request is specified or request is 0", prefix)
	}
	if !hasLimit || limit.IsZero() {
		return fmt.Errorf("%s, but no limit is specified or limit is 0", prefix)
	}
	ratio := number(limit) / number(request)
	if ratio > number(most) {
		return fmt.Errorf("%s, but provided ratio is %f", prefix, ratio)
	}
	return nil
}

// number is the quantity in thousandths where these fit, so that small amounts of CPU do not round to one.
func number(q resource.Quantity) float64 {
	if q.Value() > math.MaxInt64/1000 || q.Value() < math.MinInt64/1000 {
		return float64(q.Value())
	}
	return float64(q.MilliValue()) / 1000
}

// checkClaim returns everything by which the claim breaks the range; claims have requests only.
func checkClaim(r *corev1.LimitRange, claim *corev1.PersistentVolumeClaim) error {
	var errs []error
	for i := range r.Spec.Limits {
		item := &r.Spec.Limits[i]
		if item.Type != corev1.LimitTypePersistentVolumeClaim {
			continue
		}
		a := asked{requests: claim.Spec.Resources.Requests}
		for _, name := range slices.Sorted(maps.Keys(item.Min)) {
			errs = collect(errs, a.atLeast(item.Type, name, item.Min[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(item.Max)) {
			errs = collect(errs, a.requestAtMost(item.Type, name, item.Max[name]))
		}
	}
	return utilerrors.NewAggregate(errs)
}

func (a asked) requestAtMost(kind corev1.LimitType, name corev1.ResourceName, most resource.Quantity) error {
	request, ok := a.requests[name]
	if !ok {
		return fmt.Errorf("maximum %s usage per %s is %s.  No request is specified", name, kind, most.String())
	}
	if request.Cmp(most) > 0 {
		return fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, kind, most.String(), request.String())
	}
	return nil
}
