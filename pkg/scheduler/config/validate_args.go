package config

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
)

func validateArgs(object runtime.Object, path *field.Path) field.ErrorList {
	switch args := object.(type) {
	case *configv1.DefaultPreemptionArgs:
		return validatePreemption(args, path)
	case *configv1.InterPodAffinityArgs:
		if w := ptr.Deref(args.HardPodAffinityWeight, 0); w < 0 || w > 100 {
			return field.ErrorList{field.Invalid(path.Child("hardPodAffinityWeight"), w, "not in valid range [0-100]")}
		}
	case *configv1.NodeAffinityArgs:
		return validateAddedAffinity(args, path.Child("addedAffinity"))
	case *configv1.NodeResourcesBalancedAllocationArgs:
		return validateResources(args.Resources, path.Child("resources"), true)
	case *configv1.NodeResourcesFitArgs:
		return validateFit(args, path)
	case *configv1.PodTopologySpreadArgs:
		return validateSpread(args, path)
	case *configv1.VolumeBindingArgs:
		if ptr.Deref(args.BindTimeoutSeconds, 0) < 0 {
			return field.ErrorList{field.Invalid(path.Child("bindTimeoutSeconds"), *args.BindTimeoutSeconds, "invalid BindTimeoutSeconds, should not be a negative value")}
		}
	case *configv1.DynamicResourcesArgs:
		if args.FilterTimeout != nil && args.FilterTimeout.Duration < 0 {
			return field.ErrorList{field.Invalid(path.Child("filterTimeout"), args.FilterTimeout, "must be zero or positive")}
		}
	}
	return nil
}

func validatePreemption(args *configv1.DefaultPreemptionArgs, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	share, least := ptr.Deref(args.MinCandidateNodesPercentage, 0), ptr.Deref(args.MinCandidateNodesAbsolute, 0)
	if share < 0 || share > 100 {
		errs = append(errs, field.Invalid(path.Child("minCandidateNodesPercentage"), share, "not in valid range [0, 100]"))
	}
	if least < 0 {
		errs = append(errs, field.Invalid(path.Child("minCandidateNodesAbsolute"), least, "not in valid range [0, inf)"))
	}
	if share == 0 && least == 0 {
		errs = append(errs, field.Invalid(path.Child("minCandidateNodesPercentage"), share, "cannot be zero at the same time as minCandidateNodesAbsolute"))
	}
	return errs
}

func validateAddedAffinity(args *configv1.NodeAffinityArgs, path *field.Path) field.ErrorList {
	if args.AddedAffinity == nil {
		return nil
	}
	var errs field.ErrorList
	note := func(at *field.Path, value any, err error) {
		if err != nil {
			errs = append(errs, field.Invalid(at, value, err.Error()))
		}
	}
	if required := args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		_, err := nodeaffinity.NewNodeSelector(required)
		note(path.Child("requiredDuringSchedulingIgnoredDuringExecution"), required, err)
	}
	if preferred := args.AddedAffinity.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) > 0 {
		_, err := nodeaffinity.NewPreferredSchedulingTerms(preferred)
		note(path.Child("preferredDuringSchedulingIgnoredDuringExecution"), preferred, err)
	}
	return errs
}

func validateResources(resources []configv1.ResourceSpec, path *field.Path, onlyOne bool) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, resource := range resources {
		if onlyOne && resource.Weight != 1 {
			errs = append(errs, field.Invalid(path.Index(i).Child("weight"), resource.Weight, "must be 1"))
		} else if resource.Weight < 1 || resource.Weight > 100 {
			errs = append(errs, field.Invalid(path.Index(i).Child("weight"), resource.Weight, fmt.Sprintf("resource weight of %v not in valid range [1, 100]", resource.Name)))
		}
		if seen.Has(resource.Name) {
			errs = append(errs, field.Duplicate(path.Index(i).Child("name"), resource.Name))
		}
		seen.Insert(resource.Name)
	}
	return errs
}

func validateFit(args *configv1.NodeResourcesFitArgs, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, name := range args.IgnoredResources {
		for _, message := range validation.IsQualifiedName(name) {
			errs = append(errs, field.Invalid(path.Child("ignoredResources").Index(i), name, message))
		}
	}
	for i, group := range args.IgnoredResourceGroups {
		at := path.Child("ignoredResourceGroups").Index(i)
		if strings.Contains(group, "/") {
			errs = append(errs, field.Invalid(at, group, "resource group name can't contain '/'"))
		}
		for _, message := range validation.IsQualifiedName(group) {
			errs = append(errs, field.Invalid(at, group, message))
		}
	}
	strategy := args.ScoringStrategy
	if strategy == nil {
		return append(errs, field.Required(path.Child("scoringStrategy"), "ScoringStrategy field is required"))
	}
	at := path.Child("scoringStrategy")
	switch strategy.Type {
	case configv1.LeastAllocated, configv1.MostAllocated:
	case configv1.RequestedToCapacityRatio:
		if strategy.RequestedToCapacityRatio == nil {
			errs = append(errs, field.Required(at.Child("requestedToCapacityRatio"), ""))
		} else {
			errs = append(errs, validateShape(strategy.RequestedToCapacityRatio.Shape, at.Child("requestedToCapacityRatio", "shape"))...)
		}
	default:
		errs = append(errs, field.NotSupported(at.Child("type"), strategy.Type, []configv1.ScoringStrategyType{configv1.LeastAllocated, configv1.MostAllocated, configv1.RequestedToCapacityRatio}))
	}
	return append(errs, validateResources(strategy.Resources, at.Child("resources"), false)...)
}

func validateShape(shape []configv1.UtilizationShapePoint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(shape) == 0 {
		return field.ErrorList{field.Required(path, "at least one point must be specified")}
	}
	for i, point := range shape {
		at := path.Index(i)
		if i > 0 && shape[i-1].Utilization >= point.Utilization {
			errs = append(errs, field.Invalid(at.Child("utilization"), point.Utilization, "utilization values must be sorted in increasing order"))
		}
		if point.Utilization < 0 || point.Utilization > 100 {
			errs = append(errs, field.Invalid(at.Child("utilization"), point.Utilization, "not in valid range [0, 100]"))
		}
		if point.Score < 0 || point.Score > 10 {
			errs = append(errs, field.Invalid(at.Child("score"), point.Score, "not in valid range [0, 10]"))
		}
	}
	return errs
}

func validateSpread(args *configv1.PodTopologySpreadArgs, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if args.DefaultingType != configv1.SystemDefaulting && args.DefaultingType != configv1.ListDefaulting {
		errs = append(errs, field.NotSupported(path.Child("defaultingType"), args.DefaultingType, []configv1.PodTopologySpreadConstraintsDefaulting{configv1.SystemDefaulting, configv1.ListDefaulting}))
	}
	at := path.Child("defaultConstraints")
	if args.DefaultingType == configv1.SystemDefaulting && len(args.DefaultConstraints) > 0 {
		errs = append(errs, field.Invalid(path.Child("defaultingType"), args.DefaultingType, "when .defaultConstraints are not empty"))
	}
	for i, constraint := range args.DefaultConstraints {
		p := at.Index(i)
		if constraint.MaxSkew <= 0 {
			errs = append(errs, field.Invalid(p.Child("maxSkew"), constraint.MaxSkew, "not in valid range (0, inf)"))
		}
		if constraint.TopologyKey == "" {
			errs = append(errs, field.Required(p.Child("topologyKey"), "can not be empty"))
		}
		if constraint.WhenUnsatisfiable != v1.DoNotSchedule && constraint.WhenUnsatisfiable != v1.ScheduleAnyway {
			errs = append(errs, field.NotSupported(p.Child("whenUnsatisfiable"), constraint.WhenUnsatisfiable, []v1.UnsatisfiableConstraintAction{v1.DoNotSchedule, v1.ScheduleAnyway}))
		}
		if constraint.LabelSelector != nil {
			errs = append(errs, field.Forbidden(p.Child("labelSelector"), "constraint must not define a selector, as they deduced for each pod"))
		}
	}
	return errs
}
