package clustertrustbundle

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	v1beta1 "k8s.io/api/certificates/v1beta1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks a new bundle.
func Validate(obj *v1beta1.ClusterTrustBundle) field.ErrorList { return validate(obj, nil) }

// ValidateUpdate checks a change: a bundle is of one signer always, or of none.
func ValidateUpdate(obj, old *v1beta1.ClusterTrustBundle) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validate(obj, old)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.SignerName, old.Spec.SignerName, field.NewPath("spec", "signerName"))...)
}

func validate(obj, old *v1beta1.ClusterTrustBundle) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, nameFor(obj.Spec.SignerName), field.NewPath("metadata"))
	path := field.NewPath("spec")
	if signer := obj.Spec.SignerName; signer != "" {
		errs = append(errs, check.SignerName(path.Child("signerName"), signer)...)
	}
	// What is stored stays valid.
	if old == nil || obj.Spec.TrustBundle != old.Spec.TrustBundle {
		errs = append(errs, validateAnchors(obj.Spec.TrustBundle, path.Child("trustBundle"))...)
	}
	return errs
}

// nameFor checks names: those of a signer's bundles begin with its name, with colons for slashes.
func nameFor(signer string) apivalidation.ValidateNameFunc {
	return func(name string, prefix bool) []string {
		if signer == "" {
			if strings.Contains(name, ":") {
				return []string{`ClusterTrustBundle without signer name must not have ":" in its name`}
			}
			return apivalidation.NameIsDNSSubdomain(name, prefix)
		}
		begin := strings.ReplaceAll(signer, "/", ":") + ":"
		rest, ok := strings.CutPrefix(name, begin)
		if !ok {
			return []string{fmt.Sprintf("ClusterTrustBundle for signerName %s must be named with prefix %s", signer, begin)}
		}
		return apivalidation.NameIsDNSSubdomain(rest, prefix)
	}
}

// validateAnchors wants certificates of authorities, each once. The bundle is too long to be shown in an error.
func validateAnchors(bundle string, path *field.Path) field.ErrorList {
	bad := func(format string, args ...any) *field.Error {
		return field.Invalid(path, "<value omitted>", fmt.Sprintf(format, args...))
	}
	var errs field.ErrorList
	seen := map[string][]int{}
	var order []string
	n := 0
	for rest := []byte(bundle); ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			errs = append(errs, bad("entry %d has bad block type: %v", n, block.Type))
			continue
		}
		if len(block.Headers) > 0 {
			errs = append(errs, bad("entry %d has PEM block headers", n))
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			// The cause is not shown: it may tell of what is left out.
			errs = append(errs, bad("entry %d does not parse as X.509", n))
			continue
		}
		if !c.IsCA {
			errs = append(errs, bad("entry %d does not have the CA bit set", n))
			continue
		}
		if seen[string(block.Bytes)] == nil {
			order = append(order, string(block.Bytes))
		}
		seen[string(block.Bytes)] = append(seen[string(block.Bytes)], n)
	}
	if n == 0 {
		return field.ErrorList{bad("at least one trust anchor must be provided")}
	}
	for _, der := range order {
		if len(seen[der]) > 1 {
			errs = append(errs, bad("duplicate trust anchor (indices %v)", seen[der]))
		}
	}
	return errs
}
