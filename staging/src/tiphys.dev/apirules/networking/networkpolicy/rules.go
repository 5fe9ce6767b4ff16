package networkpolicy

import (
	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

// SetDefaults says that ports are of TCP, and that a policy is about traffic that comes in, and about traffic that goes
// out where it has rules for that.
func SetDefaults(obj *v1.NetworkPolicy) {
	for i := range obj.Spec.Ingress {
		setPortDefaults(obj.Spec.Ingress[i].Ports)
	}
	for i := range obj.Spec.Egress {
		setPortDefaults(obj.Spec.Egress[i].Ports)
	}
	if len(obj.Spec.PolicyTypes) == 0 {
		obj.Spec.PolicyTypes = []v1.PolicyType{v1.PolicyTypeIngress}
		if len(obj.Spec.Egress) != 0 {
			obj.Spec.PolicyTypes = append(obj.Spec.PolicyTypes, v1.PolicyTypeEgress)
		}
	}
}

func setPortDefaults(ports []v1.NetworkPolicyPort) {
	for i := range ports {
		if ports[i].Protocol == nil {
			tcp := corev1.ProtocolTCP
			ports[i].Protocol = &tcp
		}
	}
}

type context struct {
	selectors metavalidation.LabelSelectorValidationOptions
	known     []string // CIDRs that were accepted before
}

// Validate checks a new policy.
func Validate(obj *v1.NetworkPolicy) field.ErrorList { return validate(obj, context{}) }

// ValidateUpdate checks a change; what was wrong already may stay.
func ValidateUpdate(obj, old *v1.NetworkPolicy) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	ctx := context{}
	look := func(s *metav1.LabelSelector) {
		if s != nil && metavalidation.LabelSelectorHasInvalidLabelValue(s) {
			ctx.selectors.AllowInvalidLabelValueInSelector = true
		}
	}
	peers := func(list []v1.NetworkPolicyPeer) {
		for _, p := range list {
			look(p.PodSelector)
			look(p.NamespaceSelector)
			if p.IPBlock != nil {
				ctx.known = append(append(ctx.known, p.IPBlock.CIDR), p.IPBlock.Except...)
			}
		}
	}
	look(&old.Spec.PodSelector)
	for _, r := range old.Spec.Ingress {
		peers(r.From)
	}
	for _, r := range old.Spec.Egress {
		peers(r.To)
	}
	return append(errs, validate(obj, ctx)...)
}

func validate(obj *v1.NetworkPolicy, ctx context) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, metavalidation.ValidateLabelSelector(&obj.Spec.PodSelector, ctx.selectors, path.Child("podSelector"))...)
	for i, r := range obj.Spec.Ingress {
		at := path.Child("ingress").Index(i)
		errs = append(errs, validatePorts(r.Ports, at.Child("ports"))...)
		for j := range r.From {
			errs = append(errs, validatePeer(&r.From[j], ctx, at.Child("from").Index(j))...)
		}
	}
	for i, r := range obj.Spec.Egress {
		at := path.Child("egress").Index(i)
		errs = append(errs, validatePorts(r.Ports, at.Child("ports"))...)
		for j := range r.To {
			errs = append(errs, validatePeer(&r.To[j], ctx, at.Child("to").Index(j))...)
		}
	}
	types := path.Child("policyTypes")
	if len(obj.Spec.PolicyTypes) > 2 {
		return append(errs, field.Invalid(types, &obj.Spec.PolicyTypes, "may not specify more than two policyTypes"))
	}
	for i, t := range obj.Spec.PolicyTypes {
		errs = append(errs, check.OneOf(types.Index(i), t, v1.PolicyTypeIngress, v1.PolicyTypeEgress)...)
	}
	return errs
}

func validatePorts(ports []v1.NetworkPolicyPort, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, p := range ports {
		at := path.Index(i)
		if p.Protocol != nil {
			errs = append(errs, check.OneOf(at.Child("protocol"), *p.Protocol, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP)...)
		}
		if p.Port == nil {
			if p.EndPort != nil {
				errs = append(errs, field.Invalid(at.Child("endPort"), *p.EndPort, "may not be specified when `port` is not specified"))
			}
			continue
		}
		if p.Port.Type == intstr.Int {
			errs = append(errs, check.Messages(at.Child("port"), p.Port.IntVal, validation.IsValidPortNum(int(p.Port.IntVal)))...)
			if p.EndPort != nil {
				if *p.EndPort < p.Port.IntVal {
					errs = append(errs, field.Invalid(at.Child("endPort"), p.Port.IntVal, "must be greater than or equal to `port`"))
				}
				errs = append(errs, check.Port(at.Child("endPort"), *p.EndPort)...)
			}
			continue
		}
		if p.EndPort != nil {
			errs = append(errs, field.Invalid(at.Child("endPort"), *p.EndPort, "may not be specified when `port` is non-numeric"))
		}
		errs = append(errs, check.Messages(at.Child("port"), p.Port.StrVal, validation.IsValidPortName(p.Port.StrVal))...)
	}
	return errs
}

func validatePeer(p *v1.NetworkPolicyPeer, ctx context, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	given := 0
	if p.PodSelector != nil {
		given++
		errs = append(errs, metavalidation.ValidateLabelSelector(p.PodSelector, ctx.selectors, path.Child("podSelector"))...)
	}
	if p.NamespaceSelector != nil {
		given++
		errs = append(errs, metavalidation.ValidateLabelSelector(p.NamespaceSelector, ctx.selectors, path.Child("namespaceSelector"))...)
	}
	if p.IPBlock != nil {
		given++
		errs = append(errs, validateBlock(p.IPBlock, ctx.known, path.Child("ipBlock"))...)
	}
	switch {
	case given == 0:
		errs = append(errs, field.Required(path, "must specify a peer"))
	case given > 1 && p.IPBlock != nil:
		errs = append(errs, field.Forbidden(path, "may not specify both ipBlock and another peer"))
	}
	return errs
}

func validateBlock(b *v1.IPBlock, known []string, path *field.Path) field.ErrorList {
	if b.CIDR == "" {
		return field.ErrorList{field.Required(path.Child("cidr"), "")}
	}
	errs := validation.IsValidCIDRForLegacyField(path.Child("cidr"), b.CIDR, true, known)
	_, block, err := netutils.ParseCIDRSloppy(b.CIDR)
	if err != nil {
		return errs
	}
	for i, except := range b.Except {
		at := path.Child("except").Index(i)
		wrong := validation.IsValidCIDRForLegacyField(at, except, true, known)
		errs = append(errs, wrong...)
		_, hole, err := netutils.ParseCIDRSloppy(except)
		if err != nil {
			continue
		}
		outer, _ := block.Mask.Size()
		inner, _ := hole.Mask.Size()
		if !block.Contains(hole.IP) || outer >= inner {
			errs = append(errs, field.Invalid(at, except, "must be a strict subset of `cidr`"))
		}
	}
	return errs
}

// Warnings tells of ranges that programs read differently.
func Warnings(obj *v1.NetworkPolicy) []string {
	var warnings []string
	blocks := func(p *field.Path, peers []v1.NetworkPolicyPeer) {
		for i, peer := range peers {
			if peer.IPBlock == nil {
				continue
			}
			at := p.Index(i).Child("ipBlock")
			warnings = append(warnings, cidrWarnings(at.Child("cidr"), peer.IPBlock.CIDR)...)
			for j, e := range peer.IPBlock.Except {
				warnings = append(warnings, cidrWarnings(at.Child("except").Index(j), e)...)
			}
		}
	}
	for i, r := range obj.Spec.Ingress {
		blocks(field.NewPath("spec", "ingress").Index(i).Child("from"), r.From)
	}
	for i, r := range obj.Spec.Egress {
		blocks(field.NewPath("spec", "egress").Index(i).Child("to"), r.To)
	}
	return warnings
}

func cidrWarnings(at *field.Path, cidr string) []string {
	if _, _, err := netutils.ParseCIDRSloppy(cidr); err != nil {
		return nil
	}
	return validation.GetWarningsForCIDR(at, cidr)
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.NetworkPolicy) []string { return Warnings(obj) }
