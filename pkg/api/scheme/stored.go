package scheme

import (
	"encoding/json"
	"fmt"

	admissionregistrationv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	flowcontrolv1beta3 "k8s.io/api/flowcontrol/v1beta3"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// storedVersion is a version of kinds that is not served and yet found in stores: releases write a new version only when the
// release before them could read it. So what became v1 in this release is stored in its beta version, too, and what became
// v1 one or more releases ago may still lie there as it was written then.
type storedVersion struct {
	version schema.GroupVersion
	install func(*runtime.Scheme) error
	// kinds have the same fields as in the group's hub.
	kinds []string
}

var storedVersions = []storedVersion{
	{admissionregistrationv1beta1.SchemeGroupVersion, admissionregistrationv1beta1.AddToScheme, []string{
		"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}},
	{flowcontrolv1beta3.SchemeGroupVersion, flowcontrolv1beta3.AddToScheme, []string{"FlowSchema", "PriorityLevelConfiguration"}},
	{networkingv1beta1.SchemeGroupVersion, networkingv1beta1.AddToScheme, []string{"IPAddress", "ServiceCIDR"}},
	{resourcev1beta2.SchemeGroupVersion, resourcev1beta2.AddToScheme, []string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"}},
	{storagev1beta1.SchemeGroupVersion, storagev1beta1.AddToScheme, []string{"VolumeAttributesClass"}},
}

// registerStored makes those kinds known, and convertible to and from the hub. Which of them the server writes it decides by the
// release in which each version appeared.
func registerStored(s *runtime.Scheme) {
	for _, v := range storedVersions {
		all := runtime.NewScheme()
		utilruntime.Must(v.install(all))
		hub := s.PrioritizedVersionsForGroup(v.version.Group)[0]
		for _, kind := range v.kinds {
			for _, name := range []string{kind, kind + "List"} {
				old, err := all.New(v.version.WithKind(name))
				utilruntime.Must(err)
				current, err := s.New(hub.WithKind(name))
				utilruntime.Must(err)
				s.AddKnownTypeWithName(v.version.WithKind(name), old)
				utilruntime.Must(s.AddConversionFunc(old, current, sameFields(s)))
				utilruntime.Must(s.AddConversionFunc(current, old, sameFields(s)))
			}
		}
	}
}

// sameFields converts between types whose fields are the same: by their names on the wire. Such objects are few, and are read once.
func sameFields(s *runtime.Scheme) conversion.ConversionFunc {
	return func(a, b any, _ conversion.Scope) error {
		data, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encoding %T: %w", a, err)
		}
		if err := json.Unmarshal(data, b); err != nil {
			return fmt.Errorf("reading %T as %T: %w", a, b, err)
		}
		out := b.(runtime.Object)
		out.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		// Only the hub has defaults; the others were filled in when they were written.
		s.Default(out)
		return nil
	}
}
