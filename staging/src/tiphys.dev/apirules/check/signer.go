package check

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// SignerName wants the name of one who signs certificates: a domain, a slash and one or more path segments, such as
// example.com/my-signer. It names an API resource of the domain, so its length is what a namespace and a name could have.
func SignerName(path *field.Path, name string) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	segments := strings.Split(name, "/")
	if len(segments) != 2 {
		return field.ErrorList{field.Invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")}
	}
	domain, rest := segments[0], segments[1]
	for _, m := range validation.IsDNS1123Subdomain(domain) {
		errs = append(errs, field.Invalid(path, domain, fmt.Sprintf("validating label %q: %s", domain, m)))
	}
	if !strings.Contains(domain, ".") && len(errs) == 0 {
		errs = append(errs, field.Invalid(path, domain, "should be a domain with at least two segments separated by dots"))
	}
	for _, m := range validation.IsDNS1123Subdomain(rest) {
		errs = append(errs, field.Invalid(path, rest, fmt.Sprintf("validating label %q: %s", rest, m)))
	}
	if longest := 253 + 1 + 63 + 253; len(name) > longest {
		errs = append(errs, field.TooLong(path, name, longest))
	}
	return errs
}
