package pod

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// ValidateEphemeralContainersUpdate checks the subresource that adds containers for debugging: those that are there stay
// as they are.
func ValidateEphemeralContainersUpdate(obj, old *v1.Pod) field.ErrorList {
	path := field.NewPath("spec", "ephemeralContainers")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSingle(obj, podspec.ForUpdate(&old.Spec, true))...)
	if _, mirror := old.Annotations[v1.MirrorPodAnnotationKey]; mirror && len(obj.Spec.EphemeralContainers) > 0 {
		errs = append(errs, field.Forbidden(field.NewPath(""), "static pods do not support ephemeral containers"))
	}
	now := map[string]*v1.EphemeralContainer{}
	for i := range obj.Spec.EphemeralContainers {
		now[obj.Spec.EphemeralContainers[i].Name] = &obj.Spec.EphemeralContainers[i]
	}
	for i := range old.Spec.EphemeralContainers {
		was := &old.Spec.EphemeralContainers[i]
		is, kept := now[was.Name]
		if !kept {
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("existing ephemeral containers %q may not be removed\n", was.Name)))
		} else if !check.Same(was, is) {
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("existing ephemeral containers %q may not be changed\n", was.Name)))
		}
	}
	return errs
}

// ValidateBinding checks a binding made through the pod: the pod must not wait at a gate, and must be unbound.
func ValidateBinding(obj *v1.Binding) field.ErrorList {
	var errs field.ErrorList
	target := field.NewPath("target")
	if obj.Target.Kind != "" && obj.Target.Kind != "Node" {
		errs = append(errs, field.NotSupported(target.Child("kind"), obj.Target.Kind, []string{"Node", "<empty>"}))
	}
	if obj.Target.Name == "" {
		errs = append(errs, field.Required(target.Child("name"), ""))
	}
	return errs
}

// ValidateResize checks the subresource that changes a running pod's cpu and memory.
func ValidateResize(obj, old *v1.Pod) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSingle(obj, podspec.ForUpdate(&old.Spec, true))...)
	forbid := func(at *field.Path, why string) { errs = append(errs, field.Forbidden(at, why)) }
	if old.Spec.OS != nil && old.Spec.OS.Name == v1.Windows {
		forbid(path, "windows pods cannot be resized")
	}
	if _, mirror := old.Annotations[v1.MirrorPodAnnotationKey]; mirror {
		forbid(field.NewPath(""), "static pods cannot be resized")
	}
	if old.Status.Phase == v1.PodSucceeded || old.Status.Phase == v1.PodFailed {
		forbid(field.NewPath(""), "Pod running must be in a non-terminal phase")
	}
	for _, list := range []struct {
		child, what string
		now, was    []v1.Container
	}{{"containers", "containers", obj.Spec.Containers, old.Spec.Containers}, {"initContainers", "initContainers", obj.Spec.InitContainers, old.Spec.InitContainers}} {
		if !slices.EqualFunc(list.now, list.was, func(a, b v1.Container) bool { return a.Name == b.Name }) {
			return field.ErrorList{field.Forbidden(path.Child(list.child), list.what+" may not be added or removed on resize")}
		}
	}
	errs = append(errs, validateResizeClass(obj, old, path)...)
	rest := obj.Spec.DeepCopy()
	for i := range rest.Containers {
		errs = append(errs, validateContainerResize(&rest.Containers[i], &old.Spec.Containers[i], path.Child("containers").Index(i).Child("resources"))...)
		restore(&rest.Containers[i].Resources, &old.Spec.Containers[i].Resources)
	}
	for i := range rest.InitContainers {
		was := &old.Spec.InitContainers[i]
		errs = append(errs, validateContainerResize(&rest.InitContainers[i], was, path.Child("initContainers").Index(i).Child("resources"))...)
		restore(&rest.InitContainers[i].Resources, &was.Resources)
	}
	errs = append(errs, validateWholeResize(rest, &old.Spec, path.Child("resources"))...)
	if !check.Same(rest, &old.Spec) {
		forbid(path, "only cpu and memory resources are mutable")
	}
	return errs
}

// resizable are the resources that can change while a container runs.
var resizable = []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory}

// validateWholeResize: what the pod as a whole may use can be stated later, and changed, but not be unstated.
func validateWholeResize(now, was *v1.PodSpec, path *field.Path) field.ErrorList {
	if was.Resources == nil {
		was = &v1.PodSpec{Resources: &v1.ResourceRequirements{}}
		if now.Resources != nil {
			restore(now.Resources, was.Resources)
			if len(now.Resources.Limits)+len(now.Resources.Requests)+len(now.Resources.Claims) == 0 {
				now.Resources = nil
			}
		}
		return nil
	}
	if now.Resources == nil {
		now.Resources = was.Resources
		return field.ErrorList{field.Forbidden(path, "pod-level resources cannot be removed")}
	}
	var errs field.ErrorList
	for _, list := range []struct {
		child    string
		now, was v1.ResourceList
	}{{"limits", now.Resources.Limits, was.Resources.Limits}, {"requests", now.Resources.Requests, was.Resources.Requests}} {
		if len(sets.KeySet(list.was).Difference(sets.KeySet(list.now))) > 0 {
			errs = append(errs, field.Forbidden(path.Child(list.child), fmt.Sprintf("pod-level resource %s cannot be removed", list.child)))
		}
	}
	restore(now.Resources, was.Resources)
	return errs
}

func restore(now, was *v1.ResourceRequirements) {
	now.Claims = was.Claims // claims are looked at elsewhere
	for _, lists := range []struct{ now, was *v1.ResourceList }{{&now.Limits, &was.Limits}, {&now.Requests, &was.Requests}} {
		for _, name := range resizable {
			amount, had := (*lists.was)[name]
			if had {
				if *lists.now == nil {
					*lists.now = v1.ResourceList{}
				}
				(*lists.now)[name] = amount
			} else {
				delete(*lists.now, name)
			}
		}
	}
}

// validateContainerResize: what was set cannot be unset, for the kernel has no way back.
func validateContainerResize(now, was *v1.Container, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	gone := func(a, b v1.ResourceList) sets.Set[v1.ResourceName] { return sets.KeySet(b).Difference(sets.KeySet(a)) }
	for _, name := range sets.List(gone(now.Resources.Requests, was.Resources.Requests)) {
		errs = append(errs, field.Forbidden(path.Child("requests"), fmt.Sprintf("%s requests cannot be removed", name)))
	}
	for _, name := range sets.List(gone(now.Resources.Limits, was.Resources.Limits)) {
		errs = append(errs, field.Forbidden(path.Child("limits"), fmt.Sprintf("%s limits cannot be removed", name)))
	}
	return errs
}

func validateResizeClass(obj, old *v1.Pod, path *field.Path) field.ErrorList {
	was := old.Status.QOSClass
	if was == "" {
		was = QOSClass(old)
	}
	if now := QOSClass(obj); now != was {
		return field.ErrorList{field.Invalid(path, was, "Pod QOS Class may not change as a result of resizing")}
	}
	return nil
}
