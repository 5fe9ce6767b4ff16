package ingress

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	segments "k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

const classAnnotation = "kubernetes.io/ingress.class"

// Validate checks a new ingress. Its class is said by field or by the annotation that came before it; if by both, alike.
func Validate(obj *v1.Ingress) field.ErrorList {
	errs := validate(obj, false)
	if class, ok := obj.Annotations[classAnnotation]; ok && obj.Spec.IngressClassName != nil && *obj.Spec.IngressClassName != class {
		errs = append(errs, field.Invalid(field.NewPath("annotations").Child(classAnnotation), class, "must match `ingressClassName` when both are specified"))
	}
	return errs
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.Ingress) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validate(obj, hasInvalidSecretNames(old))...)
}

func hasInvalidSecretNames(obj *v1.Ingress) bool {
	for _, t := range obj.Spec.TLS {
		if t.SecretName != "" && len(apivalidation.NameIsDNSSubdomain(t.SecretName, false)) > 0 {
			return true
		}
	}
	return false
}

func validate(obj *v1.Ingress, anySecretName bool) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	spec, path := &obj.Spec, field.NewPath("spec")
	if len(spec.Rules) == 0 && spec.DefaultBackend == nil {
		errs = append(errs, field.Invalid(path, spec.Rules, "either `defaultBackend` or `rules` must be specified"))
	}
	if spec.DefaultBackend != nil {
		errs = append(errs, validateBackend(spec.DefaultBackend, path.Child("defaultBackend"))...)
	}
	for i := range spec.Rules {
		errs = append(errs, validateRule(&spec.Rules[i], path.Child("rules").Index(i))...)
	}
	for i, t := range spec.TLS {
		errs = append(errs, validateTLS(t, anySecretName, path.Child("tls").Index(i))...)
	}
	if spec.IngressClassName != nil {
		errs = append(errs, check.Messages(path.Child("ingressClassName"), *spec.IngressClassName, apivalidation.NameIsDNSSubdomain(*spec.IngressClassName, false))...)
	}
	return errs
}

func validateHost(host string, path *field.Path) field.ErrorList {
	if strings.Contains(host, "*") {
		return check.Messages(path, host, validation.IsWildcardDNS1123Subdomain(host))
	}
	return check.DNSSubdomain(path, host)
}

func validateTLS(t v1.IngressTLS, anySecretName bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, host := range t.Hosts {
		errs = append(errs, validateHost(host, path.Child("hosts").Index(i))...)
	}
	if t.SecretName != "" && !anySecretName {
		errs = append(errs, check.Messages(path.Child("secretName"), t.SecretName, apivalidation.NameIsDNSSubdomain(t.SecretName, false))...)
	}
	return errs
}

func validateRule(r *v1.IngressRule, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if r.Host != "" {
		if netutils.ParseIPSloppy(r.Host) != nil {
			errs = append(errs, field.Invalid(path.Child("host"), r.Host, "must be a DNS name, not an IP address"))
		}
		errs = append(errs, validateHost(r.Host, path.Child("host"))...)
	}
	if r.HTTP == nil {
		return errs
	}
	at := path.Child("http", "paths")
	if len(r.HTTP.Paths) == 0 {
		errs = append(errs, field.Required(at, ""))
	}
	for i := range r.HTTP.Paths {
		errs = append(errs, validatePath(&r.HTTP.Paths[i], at.Index(i))...)
	}
	return errs
}

var (
	notInPath   = []string{"//", "/./", "/../", "%2f", "%2F"}
	notAtTheEnd = []string{"/..", "/."}
)

func validatePath(p *v1.HTTPIngressPath, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if p.PathType == nil {
		return field.ErrorList{field.Required(path.Child("pathType"), "pathType must be specified")}
	}
	at := path.Child("path")
	switch *p.PathType {
	case v1.PathTypeExact, v1.PathTypePrefix:
		if !strings.HasPrefix(p.Path, "/") {
			errs = append(errs, field.Invalid(at, p.Path, "must be an absolute path"))
		}
		if len(p.Path) > 0 {
			for _, s := range notInPath {
				if strings.Contains(p.Path, s) {
					errs = append(errs, field.Invalid(at, p.Path, fmt.Sprintf("must not contain '%s'", s)))
				}
			}
			for _, s := range notAtTheEnd {
				if strings.HasSuffix(p.Path, s) {
					errs = append(errs, field.Invalid(at, p.Path, fmt.Sprintf("cannot end with '%s'", s)))
				}
			}
		}
	case v1.PathTypeImplementationSpecific:
		if len(p.Path) > 0 && !strings.HasPrefix(p.Path, "/") {
			errs = append(errs, field.Invalid(at, p.Path, "must be an absolute path"))
		}
	default:
		errs = append(errs, check.OneOf(path.Child("pathType"), *p.PathType, v1.PathTypeExact, v1.PathTypeImplementationSpecific, v1.PathTypePrefix)...)
	}
	return append(errs, validateBackend(&p.Backend, path.Child("backend"))...)
}

func validateBackend(b *v1.IngressBackend, path *field.Path) field.ErrorList {
	switch {
	case b.Resource != nil && b.Service != nil:
		return field.ErrorList{field.Invalid(path, "", "cannot set both resource and service backends")}
	case b.Resource != nil:
		return validateResourceBackend(b, path.Child("resource"))
	case b.Service == nil:
		return field.ErrorList{field.Invalid(path, "", "resource or service backend is required")}
	}
	at := path.Child("service")
	var errs field.ErrorList
	if b.Service.Name == "" {
		errs = append(errs, field.Required(at.Child("name"), ""))
	} else {
		errs = append(errs, check.Messages(at.Child("name"), b.Service.Name, apivalidation.NameIsDNSLabel(b.Service.Name, false))...)
	}
	port := at.Child("port")
	named, numbered := b.Service.Port.Name != "", b.Service.Port.Number != 0
	switch {
	case named && numbered:
		errs = append(errs, field.Invalid(path, "", "cannot set both port name & port number"))
	case named:
		errs = append(errs, check.Messages(port.Child("name"), b.Service.Port.Name, validation.IsValidPortName(b.Service.Port.Name))...)
	case numbered:
		errs = append(errs, check.Port(port.Child("number"), b.Service.Port.Number)...)
	default:
		errs = append(errs, field.Required(path, "port name or number is required"))
	}
	return errs
}

func validateResourceBackend(b *v1.IngressBackend, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	r := b.Resource
	segment := func(child, value string) {
		if value == "" {
			errs = append(errs, field.Required(path.Child(child), ""))
			return
		}
		errs = append(errs, check.Messages(path.Child(child), value, segments.IsValidPathSegmentName(value))...)
	}
	if r.APIGroup != nil {
		errs = append(errs, check.DNSSubdomain(path.Child("apiGroup"), *r.APIGroup)...)
	}
	segment("kind", r.Kind)
	segment("name", r.Name)
	return errs
}

// ValidateStatusUpdate checks where the ingress is found.
func ValidateStatusUpdate(obj, old *v1.Ingress) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	var known []string
	for _, in := range old.Status.LoadBalancer.Ingress {
		known = append(known, in.IP)
	}
	for i, in := range obj.Status.LoadBalancer.Ingress {
		at := field.NewPath("status", "loadBalancer", "ingress").Index(i)
		if in.IP != "" {
			errs = append(errs, validation.IsValidIPForLegacyField(at.Child("ip"), in.IP, true, known)...)
		}
		if in.Hostname != "" {
			errs = append(errs, check.DNSSubdomain(at.Child("hostname"), in.Hostname)...)
			if netutils.ParseIPSloppy(in.Hostname) != nil {
				errs = append(errs, field.Invalid(at.Child("hostname"), in.Hostname, "must be a DNS name, not an IP address"))
			}
		}
	}
	return errs
}

// Warnings tells of the annotation that the field took the place of.
func Warnings(obj *v1.Ingress) []string {
	if _, ok := obj.Annotations[classAnnotation]; ok {
		return []string{fmt.Sprintf("annotation %q is deprecated, please use 'spec.ingressClassName' instead", classAnnotation)}
	}
	return nil
}
