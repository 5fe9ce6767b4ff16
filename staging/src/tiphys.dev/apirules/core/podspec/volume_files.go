package podspec

import (
	"fmt"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const badMode = "must be a number between 0 and 0777 (octal), both inclusive"

func validateMode(mode *int32, path *field.Path) field.ErrorList {
	if mode != nil && (*mode < 0 || *mode > 0777) {
		return field.ErrorList{field.Invalid(path, *mode, badMode)}
	}
	return nil
}

func validateSecretSource(s *v1.SecretVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.SecretName == "" {
		errs = append(errs, field.Required(path.Child("secretName"), ""))
	}
	errs = append(errs, validateMode(s.DefaultMode, path.Child("defaultMode"))...)
	return append(errs, validateItems(s.Items, path.Child("items"))...)
}

func validateConfigMapSource(s *v1.ConfigMapVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	}
	errs = append(errs, validateMode(s.DefaultMode, path.Child("defaultMode"))...)
	return append(errs, validateItems(s.Items, path.Child("items"))...)
}

// validateItems checks which keys become which files. The path of one is that of the list, as upstream reports it.
func validateItems(items []v1.KeyToPath, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range items {
		item, at := &items[i], path.Index(i)
		if item.Key == "" {
			errs = append(errs, field.Required(at.Child("key"), ""))
		}
		if item.Path == "" {
			errs = append(errs, field.Required(at.Child("path"), ""))
		}
		errs = append(errs, check.RelativeFile(at.Child("path"), item.Path)...)
		errs = append(errs, validateMode(item.Mode, at.Child("mode"))...)
	}
	return errs
}

func validateDownwardSource(s *v1.DownwardAPIVolumeSource, path *field.Path) field.ErrorList {
	errs := validateMode(s.DefaultMode, path.Child("defaultMode"))
	for i := range s.Items {
		errs = append(errs, validateDownwardFile(&s.Items[i], path)...)
	}
	return errs
}

func validateDownwardFile(f *v1.DownwardAPIVolumeFile, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if f.Path == "" {
		errs = append(errs, field.Required(path.Child("path"), ""))
	}
	errs = append(errs, check.RelativeFile(path.Child("path"), f.Path)...)
	switch {
	case f.FieldRef != nil:
		errs = append(errs, validateFieldRef(f.FieldRef, volumeFields, path.Child("fieldRef"))...)
		if f.ResourceFieldRef != nil {
			errs = append(errs, field.Invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
		}
	case f.ResourceFieldRef != nil:
		errs = append(errs, validateResourceFieldRef(f.ResourceFieldRef, volumeResources, true, path.Child("resourceFieldRef"))...)
	default:
		errs = append(errs, field.Required(path, "one of fieldRef and resourceFieldRef is required"))
	}
	return append(errs, validateMode(f.Mode, path.Child("mode"))...)
}

// projection collects the files that the sources of one projected volume write, for no two may write the same.
type projection struct {
	path  *field.Path
	files sets.Set[string]
	errs  field.ErrorList
}

func (p *projection) file(name string, _ *field.Path) {
	if name == "" {
		return
	}
	clean := filepath.Clean(name)
	if p.files.Has(clean) {
		p.errs = append(p.errs, field.Invalid(p.path, clean, "conflicting duplicate paths"))
	}
	p.files.Insert(clean)
}

func validateProjected(s *v1.ProjectedVolumeSource, path *field.Path, opts Options) field.ErrorList {
	errs := validateMode(s.DefaultMode, path.Child("defaultMode"))
	p := &projection{path: path, files: sets.New[string]()}
	for i := range s.Sources {
		p.source(&s.Sources[i], path.Child("sources").Index(i), opts)
	}
	return append(errs, p.errs...)
}

func (p *projection) source(s *v1.VolumeProjection, path *field.Path, opts Options) {
	given := 0
	one := func(child string, set bool, rule func(*field.Path)) {
		if !set {
			return
		}
		if given++; given > 1 {
			p.errs = append(p.errs, field.Forbidden(path.Child(child), "may not specify more than 1 volume type per source"))
			return
		}
		rule(path.Child(child))
	}
	one("secret", s.Secret != nil, func(at *field.Path) { p.keyed(s.Secret.Name, s.Secret.Items, at) })
	one("configMap", s.ConfigMap != nil, func(at *field.Path) { p.keyed(s.ConfigMap.Name, s.ConfigMap.Items, at) })
	one("downwardAPI", s.DownwardAPI != nil, func(at *field.Path) {
		for i := range s.DownwardAPI.Items {
			f := &s.DownwardAPI.Items[i]
			p.errs = append(p.errs, validateDownwardFile(f, at)...)
			p.file(f.Path, at)
		}
	})
	one("serviceAccountToken", s.ServiceAccountToken != nil, func(at *field.Path) { p.token(s.ServiceAccountToken, at, opts) })
	one("clusterTrustBundle", s.ClusterTrustBundle != nil, func(at *field.Path) { p.trustBundle(s.ClusterTrustBundle, at) })
	one("podCertificate", s.PodCertificate != nil, func(at *field.Path) { p.certificate(s.PodCertificate, at) })
}

func (p *projection) keyed(name string, items []v1.KeyToPath, path *field.Path) {
	if name == "" {
		p.errs = append(p.errs, field.Required(path.Child("name"), ""))
	}
	p.errs = append(p.errs, validateItems(items, path.Child("items"))...)
	for i := range items {
		p.file(items[i].Path, path)
	}
}

func (p *projection) token(t *v1.ServiceAccountTokenProjection, path *field.Path, opts Options) {
	switch {
	case t.ExpirationSeconds == nil:
		p.errs = append(p.errs, field.Required(path.Child("expirationSeconds"), ""))
	case *t.ExpirationSeconds < 10*60:
		p.errs = append(p.errs, field.Invalid(path.Child("expirationSeconds"), *t.ExpirationSeconds, "may not specify a duration less than 10 minutes"))
	case *t.ExpirationSeconds > 1<<32:
		p.errs = append(p.errs, field.Invalid(path.Child("expirationSeconds"), *t.ExpirationSeconds, "may not specify a duration larger than 2^32 seconds"))
	}
	if t.Path == "" {
		p.errs = append(p.errs, field.Required(p.path.Child("path"), ""))
	} else if !opts.AllowNonLocalTokenPath {
		p.errs = append(p.errs, check.RelativeFile(p.path.Child("path"), t.Path)...)
	}
	// The path may be that of another source, which then wins: only a warning tells of it.
}

func hasNonLocalTokenPath(volumes []v1.Volume) bool {
	for _, v := range volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil && len(check.RelativeFile(nil, s.ServiceAccountToken.Path)) > 0 {
				return true
			}
		}
	}
	return false
}

func (p *projection) trustBundle(b *v1.ClusterTrustBundleProjection, path *field.Path) {
	named, signed := b.Name != nil, b.SignerName != nil
	switch {
	case named && signed:
		p.errs = append(p.errs, field.Invalid(path, b, "only one of name and signerName may be used"))
	case !named && !signed:
		p.errs = append(p.errs, field.Required(path, "either name or signerName must be specified"))
	case named:
		if *b.Name == "" {
			p.errs = append(p.errs, field.Required(path.Child("name"), "must be a valid object name"))
		} else {
			p.errs = append(p.errs, check.Messages(path.Child("name"), *b.Name, apivalidation.NameIsDNSSubdomain(*b.Name, false))...)
		}
		if b.LabelSelector != nil {
			p.errs = append(p.errs, field.Invalid(path.Child("labelSelector"), b.LabelSelector, "labelSelector must be unset if name is specified"))
		}
	default:
		if *b.SignerName == "" {
			p.errs = append(p.errs, field.Required(path.Child("signerName"), "must be a valid signer name"))
		} else {
			p.errs = append(p.errs, check.SignerName(path.Child("signerName"), *b.SignerName)...)
		}
		p.errs = append(p.errs, metavalidation.ValidateLabelSelector(b.LabelSelector, metavalidation.LabelSelectorValidationOptions{}, path.Child("labelSelector"))...)
	}
	if b.Path == "" {
		p.errs = append(p.errs, field.Required(path.Child("path"), ""))
	}
	p.errs = append(p.errs, check.RelativeFile(path.Child("path"), b.Path)...)
	p.file(b.Path, path)
}

var keyTypes = []string{"RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"}

func (p *projection) certificate(c *v1.PodCertificateProjection, path *field.Path) {
	if c.SignerName == "" {
		p.errs = append(p.errs, field.Required(path.Child("signerName"), ""))
	} else {
		p.errs = append(p.errs, check.SignerName(path.Child("signerName"), c.SignerName)...)
	}
	p.errs = append(p.errs, check.OneOf(path.Child("keyType"), c.KeyType, keyTypes...)...)
	switch {
	case c.MaxExpirationSeconds == nil:
		p.errs = append(p.errs, field.Required(path.Child("maxExpirationSeconds"), "maxExpirationSeconds must be set"))
	case *c.MaxExpirationSeconds < 3600 || *c.MaxExpirationSeconds > 7862400:
		p.errs = append(p.errs, field.Invalid(path.Child("maxExpirationSeconds"), *c.MaxExpirationSeconds, fmt.Sprintf("must be in the range %d to %d", 3600, 7862400)))
	}
	files := 0
	for _, f := range []struct{ child, name string }{
		{"credentialBundlePath", c.CredentialBundlePath}, {"keyPath", c.KeyPath}, {"certificateChainPath", c.CertificateChainPath},
	} {
		if f.name != "" {
			files++
			p.errs = append(p.errs, check.RelativeFile(path.Child(f.child), f.name)...)
			p.file(f.name, path.Child(f.child))
		}
	}
	if files == 0 {
		p.errs = append(p.errs, field.Required(path, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"))
	}
}
