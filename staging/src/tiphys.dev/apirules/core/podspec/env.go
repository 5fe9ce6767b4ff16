package podspec

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

func validateEnv(env []v1.EnvVar, path *field.Path, ctx *containerContext) field.ErrorList {
	var errs field.ErrorList
	for i := range env {
		e, at := &env[i], path.Index(i)
		if e.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
		} else {
			errs = append(errs, check.Messages(at.Child("name"), e.Name, validation.IsRelaxedEnvVarName(e.Name))...)
		}
		errs = append(errs, validateEnvSource(e, at.Child("valueFrom"), ctx)...)
	}
	return errs
}

func validateEnvSource(e *v1.EnvVar, path *field.Path, ctx *containerContext) field.ErrorList {
	from := e.ValueFrom
	if from == nil {
		return nil
	}
	var errs field.ErrorList
	sources := 0
	if from.FieldRef != nil {
		sources++
		errs = append(errs, validateFieldRef(from.FieldRef, envFields, path.Child("fieldRef"))...)
	}
	if from.ResourceFieldRef != nil {
		sources++
		errs = append(errs, validateResourceFieldRef(from.ResourceFieldRef, envResources, false, path.Child("resourceFieldRef"))...)
	}
	if s := from.ConfigMapKeyRef; s != nil {
		sources++
		errs = append(errs, validateKeyRef(s.Name, s.Key, path.Child("configMapKeyRef"))...)
	}
	if s := from.SecretKeyRef; s != nil {
		sources++
		errs = append(errs, validateKeyRef(s.Name, s.Key, path.Child("secretKeyRef"))...)
	}
	if s := from.FileKeyRef; s != nil {
		sources++
		errs = append(errs, validateFileKeyRef(s, ctx, path.Child("fileKeyRef"))...)
	}
	switch {
	case sources == 0:
		errs = append(errs, field.Invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"))
	case e.Value != "":
		errs = append(errs, field.Invalid(path, "", "may not be specified when `value` is not empty"))
	case sources > 1:
		errs = append(errs, field.Invalid(path, "", "may not have more than one field specified at a time"))
	}
	return errs
}

func validateKeyRef(name, key string, path *field.Path) field.ErrorList {
	errs := check.Messages(path.Child("name"), name, apivalidation.NameIsDNSSubdomain(name, false))
	if key == "" {
		return append(errs, field.Required(path.Child("key"), ""))
	}
	return append(errs, check.Messages(path.Child("key"), key, validation.IsConfigMapKey(key))...)
}

func validateSourceName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return check.Messages(path, name, apivalidation.NameIsDNSSubdomain(name, false))
}

func validateFileKeyRef(s *v1.FileKeySelector, ctx *containerContext, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Key == "" {
		errs = append(errs, field.Required(path.Child("key"), ""))
	} else {
		errs = append(errs, check.Messages(path.Child("key"), s.Key, validation.IsRelaxedEnvVarName(s.Key))...)
		if len(s.Key) > 128 {
			errs = append(errs, field.TooLong(path.Child("key"), s.Key, 128))
		}
	}
	if s.Path == "" {
		errs = append(errs, field.Required(path.Child("path"), ""))
	} else {
		errs = append(errs, check.RelativeFile(path.Child("path"), s.Path)...)
	}
	if s.VolumeName == "" {
		return append(errs, field.Required(path.Child("volumeName"), ""))
	}
	errs = append(errs, check.DNSLabel(path.Child("volumeName"), s.VolumeName)...)
	source, ok := ctx.volumes[s.VolumeName]
	switch {
	case !ok:
		errs = append(errs, field.NotFound(path.Child("volumeName"), s.VolumeName))
	case source.EmptyDir == nil:
		errs = append(errs, field.Invalid(path.Child("volumeName"), s.VolumeName, "referenced volume must be of type emptyDir"))
	}
	return errs
}

func validateEnvFrom(from []v1.EnvFromSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, e := range from {
		at := path.Index(i)
		if e.Prefix != "" {
			errs = append(errs, check.Messages(at.Child("prefix"), e.Prefix, validation.IsRelaxedEnvVarName(e.Prefix))...)
		}
		sources := 0
		if e.ConfigMapRef != nil {
			sources++
			errs = append(errs, validateSourceName(e.ConfigMapRef.Name, at.Child("configMapRef", "name"))...)
		}
		if e.SecretRef != nil {
			sources++
			errs = append(errs, validateSourceName(e.SecretRef.Name, at.Child("secretRef", "name"))...)
		}
		if sources == 0 {
			errs = append(errs, field.Invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
		} else if sources > 1 {
			errs = append(errs, field.Invalid(path, "", "may not have more than one field specified at a time"))
		}
	}
	return errs
}

var (
	envFields = []string{"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}
	volumeFields    = []string{"metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"}
	envResources    = []string{"limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage"}
	volumeResources = envResources
)

// validateFieldRef checks which field of the pod is shown to its containers.
func validateFieldRef(ref *v1.ObjectFieldSelector, allowed []string, path *field.Path) field.ErrorList {
	if ref.APIVersion == "" {
		return field.ErrorList{field.Required(path.Child("apiVersion"), "")}
	}
	if ref.FieldPath == "" {
		return field.ErrorList{field.Required(path.Child("fieldPath"), "")}
	}
	if ref.APIVersion != "v1" {
		return field.ErrorList{field.Invalid(path.Child("fieldPath"), ref.FieldPath,
			fmt.Sprintf("error converting fieldPath: unsupported pod version: %s", ref.APIVersion))}
	}
	at := path.Child("fieldPath")
	if name, key, ok := subscript(ref.FieldPath); ok {
		switch name {
		case "metadata.annotations":
			// Annotation keys compare without regard to case.
			return check.QualifiedName(path, strings.ToLower(key))
		case "metadata.labels":
			return check.QualifiedName(path, key)
		default:
			return field.ErrorList{field.Invalid(path, name, "does not support subscript")}
		}
	}
	if !knownField(ref.FieldPath) {
		return field.ErrorList{field.Invalid(at, ref.FieldPath, fmt.Sprintf("error converting fieldPath: field label not supported: %s", ref.FieldPath))}
	}
	if !slices.Contains(allowed, ref.FieldPath) {
		sorted := slices.Clone(allowed)
		slices.Sort(sorted)
		return field.ErrorList{field.NotSupported(at, ref.FieldPath, sorted)}
	}
	return nil
}

// knownField says whether pods can be asked for a field by this name at all.
func knownField(name string) bool {
	return slices.Contains(envFields, name) || slices.Contains(volumeFields, name) || slices.Contains([]string{
		"spec.restartPolicy", "spec.schedulerName", "spec.hostNetwork", "status.phase", "status.nominatedNodeName", "spec.host"}, name)
}

// subscript splits metadata.labels['key'] into its two parts.
func subscript(fieldPath string) (name, key string, ok bool) {
	rest, found := strings.CutSuffix(fieldPath, "']")
	if !found {
		return fieldPath, "", false
	}
	name, key, found = strings.Cut(rest, "['")
	if !found || name == "" {
		return fieldPath, "", false
	}
	return name, key, true
}

func validateResourceFieldRef(ref *v1.ResourceFieldSelector, allowed []string, volume bool, path *field.Path) field.ErrorList {
	switch {
	case volume && ref.ContainerName == "":
		return field.ErrorList{field.Required(path.Child("containerName"), "")}
	case ref.Resource == "":
		return field.ErrorList{field.Required(path.Child("resource"), "")}
	case strings.HasPrefix(ref.Resource, "requests."+v1.ResourceHugePagesPrefix), strings.HasPrefix(ref.Resource, "limits."+v1.ResourceHugePagesPrefix):
		return validateDivisor(ref, path)
	case !slices.Contains(allowed, ref.Resource):
		sorted := slices.Clone(allowed)
		slices.Sort(sorted)
		return field.ErrorList{field.NotSupported(path.Child("resource"), ref.Resource, sorted)}
	}
	return validateDivisor(ref, path)
}

var (
	cpuDivisors    = sets.New("1m", "1")
	memoryDivisors = sets.New("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
)

func validateDivisor(ref *v1.ResourceFieldSelector, path *field.Path) field.ErrorList {
	if ref.Divisor.IsZero() {
		return nil
	}
	_, name, _ := strings.Cut(ref.Resource, ".")
	divisors, kind := memoryDivisors, name
	switch {
	case name == string(v1.ResourceCPU):
		divisors = cpuDivisors
	case name == string(v1.ResourceMemory):
	case name == string(v1.ResourceEphemeralStorage):
		kind = "local ephemeral storage"
	default:
		kind = "hugepages"
	}
	if !divisors.Has(ref.Divisor.String()) {
		return field.ErrorList{field.Invalid(path.Child("divisor"), ref.Resource, fmt.Sprintf("only divisor's values %s are supported with the %s resource", spellOut(divisors), kind))}
	}
	return nil
}

func spellOut(divisors sets.Set[string]) string {
	if divisors.Has("1m") {
		return "1m and 1"
	}
	return "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
}
