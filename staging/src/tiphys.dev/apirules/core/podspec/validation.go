package podspec

import (
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
)

// Validate checks a whole pod spec. meta is the metadata of the pod or template: names of volumes' claims depend on it.
func Validate(spec *v1.PodSpec, meta *metav1.ObjectMeta, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	add := func(more field.ErrorList) { errs = append(errs, more...) }

	volumes, volumeErrs := validateVolumes(spec.Volumes, meta, path.Child("volumes"), opts)
	add(volumeErrs)
	claims, claimErrs := validateResourceClaims(spec.ResourceClaims, meta, path.Child("resourceClaims"), opts)
	add(claimErrs)
	ctx := containerContext{spec: spec, volumes: volumes, claims: claims, opts: opts}
	add(ctx.validateContainers(path.Child("containers")))
	add(ctx.validateInitContainers(path.Child("initContainers")))
	add(ctx.validateEphemeralContainers(path.Child("ephemeralContainers")))
	add(validatePodResources(spec, claims, path.Child("resources"), opts))

	add(check.RequiredOneOf(path.Child("restartPolicy"), spec.RestartPolicy, v1.RestartPolicyAlways, v1.RestartPolicyOnFailure, v1.RestartPolicyNever))
	add(validateDNS(spec, path, opts))
	add(metavalidation.ValidateLabels(spec.NodeSelector, path.Child("nodeSelector")))
	add(ValidateSecurityContext(spec, path, opts))
	add(validateAffinity(spec.Affinity, path.Child("affinity"), opts))
	add(validateReadinessGates(spec.ReadinessGates, path.Child("readinessGates")))
	add(validateSchedulingGates(spec.SchedulingGates, path.Child("schedulingGates")))
	add(validateTopologySpread(spec.TopologySpreadConstraints, path.Child("topologySpreadConstraints"), opts))
	add(ValidateTolerations(spec.Tolerations, path.Child("tolerations")))
	add(validateHostAliases(spec.HostAliases, path.Child("hostAliases"), opts))
	add(validateNames(spec, path))
	add(validateOS(spec, path))

	if spec.ActiveDeadlineSeconds != nil {
		if n := *spec.ActiveDeadlineSeconds; n < 1 || n > math.MaxInt32 {
			add(field.ErrorList{field.Invalid(path.Child("activeDeadlineSeconds"), n, validation.InclusiveRangeError(1, math.MaxInt32))})
		}
	}
	if spec.PreemptionPolicy != nil {
		add(check.RequiredOneOf(path.Child("preemptionPolicy"), *spec.PreemptionPolicy, v1.PreemptLowerPriority, v1.PreemptNever))
	}
	for _, name := range sets.List(sets.KeySet(spec.Overhead)) {
		at := path.Child("overhead", "limits").Key(string(name))
		add(resources.ValidateContainerName(name, at))
		add(resources.ValidateAmount(name, spec.Overhead[name], at))
	}
	return errs
}

// ValidateTemplate checks the template of a workload: labels and annotations, then the spec.
func ValidateTemplate(template *v1.PodTemplateSpec, path *field.Path, opts Options) field.ErrorList {
	errs := metavalidation.ValidateLabels(template.Labels, path.Child("labels"))
	errs = append(errs, apivalidation.ValidateAnnotations(template.Annotations, path.Child("annotations"))...)
	errs = append(errs, ValidateAnnotations(template.Annotations, &template.Spec, path.Child("annotations"))...)
	errs = append(errs, Validate(&template.Spec, nil, path.Child("spec"), opts)...)
	if len(template.Spec.EphemeralContainers) > 0 {
		errs = append(errs, field.Forbidden(path.Child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template"))
	}
	return errs
}

// validateNames checks the fields that name other objects or hosts.
func validateNames(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	object := func(child, name string, rule func(string, bool) []string) {
		if name != "" {
			errs = append(errs, check.Messages(path.Child(child), name, rule(name, false))...)
		}
	}
	object("serviceAccountName", spec.ServiceAccountName, apivalidation.ValidateServiceAccountName)
	object("nodeName", spec.NodeName, apivalidation.NameIsDNSSubdomain)
	object("priorityClassName", spec.PriorityClassName, apivalidation.NameIsDNSSubdomain)
	if spec.RuntimeClassName != nil {
		errs = append(errs, check.Messages(path.Child("runtimeClassName"), *spec.RuntimeClassName, apivalidation.NameIsDNSSubdomain(*spec.RuntimeClassName, false))...)
	}
	if spec.Hostname != "" {
		errs = append(errs, check.DNSLabel(path.Child("hostname"), spec.Hostname)...)
	}
	if spec.Subdomain != "" {
		errs = append(errs, check.DNSLabel(path.Child("subdomain"), spec.Subdomain)...)
	}
	return append(errs, validateHostnameOverride(spec, path)...)
}

const longestHostname = 64 // the kernel's limit

func validateHostnameOverride(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	if spec.HostnameOverride == nil {
		return nil
	}
	at := path.Child("hostnameOverride")
	name := *spec.HostnameOverride
	errs := check.DNSSubdomain(at, name)
	if len(name) > longestHostname {
		errs = append(errs, field.TooLong(at, name, longestHostname))
	}
	if spec.SetHostnameAsFQDN != nil && *spec.SetHostnameAsFQDN {
		errs = append(errs, field.Forbidden(at, "may not be specified when `setHostnameAsFQDN` is true"))
	}
	if spec.HostNetwork {
		errs = append(errs, field.Forbidden(at, "may not be specified when `hostNetwork` is true"))
	}
	return errs
}

func validateReadinessGates(gates []v1.PodReadinessGate, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, g := range gates {
		errs = append(errs, check.QualifiedName(path.Index(i).Child("conditionType"), string(g.ConditionType))...)
	}
	return errs
}

func validateSchedulingGates(gates []v1.PodSchedulingGate, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, g := range gates {
		errs = append(errs, check.QualifiedName(path.Index(i), g.Name)...)
		if seen.Has(g.Name) {
			errs = append(errs, field.Duplicate(path.Index(i), g.Name))
		}
		seen.Insert(g.Name)
	}
	return errs
}

func validateHostAliases(aliases []v1.HostAlias, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	for i, a := range aliases {
		errs = append(errs, validation.IsValidIPForLegacyField(path.Index(i).Child("ip"), a.IP, true, opts.KnownIPs)...)
		for j, host := range a.Hostnames {
			errs = append(errs, check.DNSSubdomain(path.Index(i).Child("hostnames").Index(j), host)...)
		}
	}
	return errs
}

// validateResourceClaims checks the claims of the pod and returns their names, for containers to refer to.
func validateResourceClaims(claims []v1.PodResourceClaim, meta *metav1.ObjectMeta, path *field.Path, opts Options) (sets.Set[string], field.ErrorList) {
	var errs field.ErrorList
	names := sets.New[string]()
	for i, c := range claims {
		at := path.Index(i)
		if c.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
		} else if names.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		} else {
			errs = append(errs, check.DNSLabel(at.Child("name"), c.Name)...)
			names.Insert(c.Name)
		}
		if c.ResourceClaimName != nil && c.ResourceClaimTemplateName != nil {
			errs = append(errs, field.Invalid(at, c, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"))
		}
		if c.ResourceClaimName == nil && c.ResourceClaimTemplateName == nil {
			errs = append(errs, field.Invalid(at, c, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"))
		}
		if c.ResourceClaimName != nil {
			errs = append(errs, check.Messages(at.Child("resourceClaimName"), *c.ResourceClaimName, apivalidation.NameIsDNSSubdomain(*c.ResourceClaimName, false))...)
		}
		if c.ResourceClaimTemplateName != nil {
			errs = append(errs, check.Messages(at.Child("resourceClaimTemplateName"), *c.ResourceClaimTemplateName, apivalidation.NameIsDNSSubdomain(*c.ResourceClaimTemplateName, false))...)
			// The generated claim is named after pod and claim.
			if opts.IsPod && meta != nil && meta.Name != "" && c.Name != "" {
				generated := fmt.Sprintf("%s-%s", meta.Name, c.Name)
				for _, m := range apivalidation.NameIsDNSSubdomain(generated, false) {
					errs = append(errs, field.Invalid(at.Child("name"), c.Name, fmt.Sprintf("final ResourceClaim name: %q: %s", generated, m)))
				}
			}
		}
	}
	return names, errs
}
