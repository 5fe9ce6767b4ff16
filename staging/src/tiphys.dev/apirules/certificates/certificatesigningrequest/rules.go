package certificatesigningrequest

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"

	v1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// SetDefaults completes conditions, which before v1 had no status.
func SetDefaults(obj *v1.CertificateSigningRequest) {
	for i := range obj.Status.Conditions {
		if c := &obj.Status.Conditions[i]; c.Status == "" && (c.Type == v1.CertificateApproved || c.Type == v1.CertificateDenied) {
			c.Status = corev1.ConditionTrue
		}
	}
}

// A name may be anything that fits into a URL.
func nameRule(string, bool) []string { return nil }

var usages = sets.New(v1.UsageSigning, v1.UsageDigitalSignature, v1.UsageContentCommitment, v1.UsageKeyEncipherment, v1.UsageKeyAgreement,
	v1.UsageDataEncipherment, v1.UsageCertSign, v1.UsageCRLSign, v1.UsageEncipherOnly, v1.UsageDecipherOnly, v1.UsageAny, v1.UsageServerAuth,
	v1.UsageClientAuth, v1.UsageCodeSigning, v1.UsageEmailProtection, v1.UsageSMIME, v1.UsageIPsecEndSystem, v1.UsageIPsecTunnel,
	v1.UsageIPsecUser, v1.UsageTimestamping, v1.UsageOCSPSigning, v1.UsageMicrosoftSGC, v1.UsageNetscapeSGC)

// shortest a certificate may be asked to live: clocks differ by some minutes.
const shortest = 600

// Validate checks a new request. Its conditions are for others to set.
func Validate(obj *v1.CertificateSigningRequest) field.ErrorList {
	errs := validate(obj)
	return append(errs, validateConditions(obj.Status.Conditions)...)
}

func validate(obj *v1.CertificateSigningRequest) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, nameRule, field.NewPath("metadata"))
	path := field.NewPath("spec")
	if err := checkRequest(obj.Spec.Request); err != nil {
		errs = append(errs, field.Invalid(path.Child("request"), obj.Spec.Request, fmt.Sprintf("%v", err)))
	}
	if len(obj.Spec.Usages) == 0 {
		errs = append(errs, field.Required(path.Child("usages"), ""))
	}
	seen := sets.New[v1.KeyUsage]()
	for i, u := range obj.Spec.Usages {
		if !usages.Has(u) {
			errs = append(errs, field.NotSupported(path.Child("usages").Index(i), u, sets.List(usages)))
		}
		if seen.Has(u) {
			errs = append(errs, field.Duplicate(path.Child("usages").Index(i), u))
		}
		seen.Insert(u)
	}
	if obj.Spec.SignerName == "kubernetes.io/legacy-unknown" {
		errs = append(errs, field.Invalid(path.Child("signerName"), obj.Spec.SignerName, "the legacy signerName is not allowed via this API version"))
	} else {
		errs = append(errs, check.SignerName(path.Child("signerName"), obj.Spec.SignerName)...)
	}
	if s := obj.Spec.ExpirationSeconds; s != nil && *s < shortest {
		errs = append(errs, field.Invalid(path.Child("expirationSeconds"), *s, fmt.Sprintf("may not specify a duration less than %d seconds (10 minutes)", shortest)))
	}
	return errs
}

func checkRequest(data []byte) error {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return fmt.Errorf("PEM block type must be CERTIFICATE REQUEST")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	return csr.CheckSignature()
}

// validateConditions: approved and denied exclude each other, and neither can be taken back into doubt.
func validateConditions(now []v1.CertificateSigningRequestCondition) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("status", "conditions")
	seen := sets.New[v1.RequestConditionType]()
	for i, c := range now {
		at := path.Index(i)
		if c.Type == "" {
			errs = append(errs, field.Required(at.Child("type"), ""))
		}
		switch {
		case c.Status == "":
			errs = append(errs, field.Required(at.Child("status"), ""))
		case (c.Type == v1.CertificateApproved || c.Type == v1.CertificateDenied || c.Type == v1.CertificateFailed) && c.Status != corev1.ConditionTrue:
			errs = append(errs, field.NotSupported(at.Child("status"), c.Status, []corev1.ConditionStatus{corev1.ConditionTrue}))
		case c.Status != corev1.ConditionTrue && c.Status != corev1.ConditionFalse && c.Status != corev1.ConditionUnknown:
			errs = append(errs, field.NotSupported(at.Child("status"), c.Status, []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionTrue, corev1.ConditionUnknown}))
		}
		if seen.Has(c.Type) {
			errs = append(errs, field.Duplicate(at.Child("type"), c.Type))
		}
		seen.Insert(c.Type)
	}
	if seen.HasAll(v1.CertificateApproved, v1.CertificateDenied) {
		errs = append(errs, field.Invalid(path, v1.CertificateApproved, "Approved and Denied conditions are mutually exclusive"))
	}
	return errs
}

// ValidateUpdate checks a change of metadata: a request is signed or denied as it was made.
func ValidateUpdate(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	errs := validateUnchangedApprovals(obj, old)
	if string(obj.Status.Certificate) != string(old.Status.Certificate) {
		errs = append(errs, field.Forbidden(field.NewPath("status", "certificate"), "updates may not set certificate content"))
	}
	return append(errs, validateUpdate(obj, old)...)
}

func validateUpdate(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	errs := validate(obj)
	errs = append(errs, validateConditions(obj.Status.Conditions)...)
	return append(errs, apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
}

func ofType(conditions []v1.CertificateSigningRequestCondition, t v1.RequestConditionType) []v1.CertificateSigningRequestCondition {
	var out []v1.CertificateSigningRequestCondition
	for _, c := range conditions {
		if c.Type == t {
			out = append(out, c)
		}
	}
	return out
}

func validateUnchangedApprovals(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("status", "conditions")
	for _, t := range []v1.RequestConditionType{v1.CertificateApproved, v1.CertificateDenied} {
		now, was := ofType(obj.Status.Conditions, t), ofType(old.Status.Conditions, t)
		switch {
		case len(now) < len(was):
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("updates may not remove a condition of type %q", t)))
		case len(now) > len(was):
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("updates may not add a condition of type %q", t)))
		case !check.Same(now, was):
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("updates may not modify a condition of type %q", t)))
		}
	}
	return append(errs, validateFailedStays(obj, old)...)
}

func validateFailedStays(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	if len(ofType(obj.Status.Conditions, v1.CertificateFailed)) < len(ofType(old.Status.Conditions, v1.CertificateFailed)) {
		return field.ErrorList{field.Forbidden(field.NewPath("status", "conditions"), fmt.Sprintf("updates may not remove a condition of type %q", v1.CertificateFailed))}
	}
	return nil
}

// ValidateStatusUpdate checks what the signer reports: a certificate, set once.
func ValidateStatusUpdate(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	errs := validateUnchangedApprovals(obj, old)
	path := field.NewPath("status", "certificate")
	if len(old.Status.Certificate) > 0 && string(obj.Status.Certificate) != string(old.Status.Certificate) {
		errs = append(errs, field.Forbidden(path, "updates may not change the existing certificate"))
	}
	if len(obj.Status.Certificate) > 0 && string(obj.Status.Certificate) != string(old.Status.Certificate) {
		if err := checkCertificates(obj.Status.Certificate); err != nil {
			errs = append(errs, field.Invalid(path, "<certificate data>", err.Error()))
		}
	}
	return append(errs, validateUpdate(obj, old)...)
}

func checkCertificates(data []byte) error {
	n := 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("only CERTIFICATE PEM blocks are allowed, found %q", block.Type)
		}
		if len(block.Headers) != 0 {
			return fmt.Errorf("no PEM block headers are permitted")
		}
		if _, err := x509.ParseCertificates(block.Bytes); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("must contain at least one CERTIFICATE PEM block")
	}
	return nil
}

// ValidateApprovalUpdate checks what the approval subresource may do: approve or deny, once.
func ValidateApprovalUpdate(obj, old *v1.CertificateSigningRequest) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("status", "conditions")
	for _, t := range []v1.RequestConditionType{v1.CertificateApproved, v1.CertificateDenied} {
		now, was := ofType(obj.Status.Conditions, t), ofType(old.Status.Conditions, t)
		switch {
		case len(now) < len(was):
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("updates may not remove a condition of type %q", t)))
		case len(was) > 0 && !check.Same(now, was):
			errs = append(errs, field.Forbidden(path, fmt.Sprintf("updates may not modify a condition of type %q", t)))
		}
	}
	errs = append(errs, validateFailedStays(obj, old)...)
	if string(obj.Status.Certificate) != string(old.Status.Certificate) {
		errs = append(errs, field.Forbidden(field.NewPath("status", "certificate"), "updates may not set certificate content"))
	}
	return append(errs, validateUpdate(obj, old)...)
}
