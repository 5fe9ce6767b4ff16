package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
)

// Validate checks a completed configuration.
func Validate(cfg *configv1.KubeSchedulerConfiguration) field.ErrorList {
	var errs field.ErrorList
	positive := func(path *field.Path, value int64) {
		if value <= 0 {
			errs = append(errs, field.Invalid(path, value, "should be an integer value greater than zero"))
		}
	}
	positive(field.NewPath("parallelism"), int64(ptr.Deref(cfg.Parallelism, 0)))
	if cfg.ClientConnection.Burst < 0 {
		errs = append(errs, field.Invalid(field.NewPath("clientConnection", "burst"), cfg.ClientConnection.Burst, "must be non-negative"))
	}
	errs = append(errs, validateElection(cfg, field.NewPath("leaderElection"))...)
	errs = append(errs, validatePercentage(cfg.PercentageOfNodesToScore, field.NewPath("percentageOfNodesToScore"))...)
	positive(field.NewPath("podInitialBackoffSeconds"), ptr.Deref(cfg.PodInitialBackoffSeconds, 0))
	if limit, first := ptr.Deref(cfg.PodMaxBackoffSeconds, 0), ptr.Deref(cfg.PodInitialBackoffSeconds, 0); limit < first {
		errs = append(errs, field.Invalid(field.NewPath("podMaxBackoffSeconds"), limit, "must be greater than or equal to PodInitialBackoffSeconds"))
	}
	profiles := field.NewPath("profiles")
	if len(cfg.Profiles) == 0 {
		errs = append(errs, field.Required(profiles, ""))
	}
	seen := map[string]int{}
	for i := range cfg.Profiles {
		path := profiles.Index(i)
		name := ptr.Deref(cfg.Profiles[i].SchedulerName, "")
		if name == "" {
			errs = append(errs, field.Required(path.Child("schedulerName"), ""))
		} else if _, twice := seen[name]; twice {
			errs = append(errs, field.Duplicate(path.Child("schedulerName"), name))
		}
		seen[name] = i
		errs = append(errs, validateProfile(&cfg.Profiles[i], path)...)
	}
	errs = append(errs, validateSameSort(cfg.Profiles, profiles)...)
	return append(errs, validateExtenders(cfg.Extenders, field.NewPath("extenders"))...)
}

func validateElection(cfg *configv1.KubeSchedulerConfiguration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	e := &cfg.LeaderElection
	if !ptr.Deref(e.LeaderElect, false) {
		return nil
	}
	for name, duration := range map[string]metav1.Duration{"leaseDuration": e.LeaseDuration, "renewDeadline": e.RenewDeadline, "retryPeriod": e.RetryPeriod} {
		if duration.Duration <= 0 {
			errs = append(errs, field.Invalid(path.Child(name), duration, "must be greater than zero"))
		}
	}
	if e.LeaseDuration.Duration <= e.RenewDeadline.Duration {
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), e.RenewDeadline, "LeaseDuration must be greater than RenewDeadline"))
	}
	if e.ResourceLock != "leases" {
		errs = append(errs, field.Invalid(path.Child("resourceLock"), e.ResourceLock, `resourceLock value must be "leases"`))
	}
	if e.ResourceNamespace == "" {
		errs = append(errs, field.Required(path.Child("resourceNamespace"), ""))
	}
	if e.ResourceName == "" {
		errs = append(errs, field.Required(path.Child("resourceName"), ""))
	}
	return errs
}

func validatePercentage(value *int32, path *field.Path) field.ErrorList {
	if value != nil && (*value < 0 || *value > 100) {
		return field.ErrorList{field.Invalid(path, *value, "not in valid range [0-100]")}
	}
	return nil
}

func validateProfile(profile *configv1.KubeSchedulerProfile, path *field.Path) field.ErrorList {
	errs := validatePercentage(profile.PercentageOfNodesToScore, path.Child("percentageOfNodesToScore"))
	names := sets.New[string]()
	for i := range profile.PluginConfig {
		entry := &profile.PluginConfig[i]
		at := path.Child("pluginConfig").Index(i)
		if names.Has(entry.Name) {
			errs = append(errs, field.Duplicate(at, entry.Name))
		}
		names.Insert(entry.Name)
		errs = append(errs, validateArgs(entry.Args.Object, at.Child("args"))...)
	}
	return errs
}

// validateSameSort: there is one queue, so there is one order.
func validateSameSort(profiles []configv1.KubeSchedulerProfile, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := 1; i < len(profiles); i++ {
		if !reflect.DeepEqual(profiles[0].Plugins.QueueSort, profiles[i].Plugins.QueueSort) {
			errs = append(errs, field.Invalid(path.Index(i).Child("plugins", "queueSort"), profiles[i].Plugins.QueueSort, "queueSort must be the same for all profiles"))
		}
	}
	return errs
}

func validateExtenders(extenders []configv1.Extender, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	binders := 0
	managed := sets.New[string]()
	for i := range extenders {
		extender := &extenders[i]
		at := path.Index(i)
		if _, err := url.ParseRequestURI(extender.URLPrefix); err != nil {
			errs = append(errs, field.Invalid(at.Child("urlPrefix"), extender.URLPrefix, err.Error()))
		}
		if extender.PrioritizeVerb != "" && extender.Weight <= 0 {
			errs = append(errs, field.Invalid(at.Child("weight"), extender.Weight, "must have a positive weight applied to it"))
		}
		if extender.BindVerb != "" {
			binders++
		}
		for j, resource := range extender.ManagedResources {
			name := at.Child("managedResources").Index(j).Child("name")
			for _, message := range validation.IsQualifiedName(resource.Name) {
				errs = append(errs, field.Invalid(name, resource.Name, message))
			}
			if !strings.Contains(resource.Name, "/") || strings.Contains(resource.Name, "kubernetes.io/") {
				errs = append(errs, field.Invalid(name, resource.Name, "must be an extended resource"))
			}
			if managed.Has(resource.Name) {
				errs = append(errs, field.Duplicate(name, resource.Name))
			}
			managed.Insert(resource.Name)
		}
	}
	if binders > 1 {
		errs = append(errs, field.Invalid(path, fmt.Sprintf("found %d extenders implementing bind", binders), "only one extender can implement bind"))
	}
	return errs
}
