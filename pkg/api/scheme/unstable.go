package scheme

import (
	"reflect"
	"strings"

	admissionregistrationv1alpha1 "k8s.io/api/admissionregistration/v1alpha1"
	admissionregistrationv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	apiserverinternalv1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	coordinationv1alpha2 "k8s.io/api/coordination/v1alpha2"
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"
	flowcontrolv1beta3 "k8s.io/api/flowcontrol/v1beta3"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Version is an alpha or beta version of a group. It is served when --runtime-config asks for it, and known in any case: releases write a
// new version only when the release before them could read it, so what became v1 in this release is stored in its beta version, and what
// became v1 one or more releases ago may still lie in the store as it was written then.
type Version struct {
	Name string
	// Kinds are those that 1.36 still serves or may find in a store.
	Kinds []string

	// types are those of the kinds and of their lists.
	types []runtime.Object
}

// version is one with these kinds. The published package has more, which are served no longer.
func version(name string, types ...runtime.Object) Version {
	v := Version{Name: name, types: types}
	for _, t := range types {
		if kind := reflect.TypeOf(t).Elem().Name(); !strings.HasSuffix(kind, "List") {
			v.Kinds = append(v.Kinds, kind)
		}
	}
	return v
}

var (
	unstableAdmission = []Version{
		version("v1beta1", &admissionregistrationv1beta1.MutatingAdmissionPolicy{}, &admissionregistrationv1beta1.MutatingAdmissionPolicyList{}, &admissionregistrationv1beta1.MutatingAdmissionPolicyBinding{}, &admissionregistrationv1beta1.MutatingAdmissionPolicyBindingList{}, &admissionregistrationv1beta1.ValidatingAdmissionPolicy{}, &admissionregistrationv1beta1.ValidatingAdmissionPolicyList{}, &admissionregistrationv1beta1.ValidatingAdmissionPolicyBinding{}, &admissionregistrationv1beta1.ValidatingAdmissionPolicyBindingList{}),
		version("v1alpha1", &admissionregistrationv1alpha1.MutatingAdmissionPolicy{}, &admissionregistrationv1alpha1.MutatingAdmissionPolicyList{}, &admissionregistrationv1alpha1.MutatingAdmissionPolicyBinding{}, &admissionregistrationv1alpha1.MutatingAdmissionPolicyBindingList{}),
	}
	unstableCertificates = []Version{
		version("v1beta1", &certificatesv1beta1.ClusterTrustBundle{}, &certificatesv1beta1.ClusterTrustBundleList{}),
		version("v1alpha1", &certificatesv1alpha1.ClusterTrustBundle{}, &certificatesv1alpha1.ClusterTrustBundleList{}),
	}
	unstableInternal = []Version{
		version("v1alpha1", &apiserverinternalv1alpha1.StorageVersion{}, &apiserverinternalv1alpha1.StorageVersionList{}),
	}
	unstableCoordination = []Version{
		version("v1beta1", &coordinationv1beta1.LeaseCandidate{}, &coordinationv1beta1.LeaseCandidateList{}),
		version("v1alpha2", &coordinationv1alpha2.LeaseCandidate{}, &coordinationv1alpha2.LeaseCandidateList{}),
	}
	unstableFlowcontrol = []Version{
		version("v1beta3", &flowcontrolv1beta3.FlowSchema{}, &flowcontrolv1beta3.FlowSchemaList{}, &flowcontrolv1beta3.PriorityLevelConfiguration{}, &flowcontrolv1beta3.PriorityLevelConfigurationList{}),
	}
	unstableNetworking = []Version{
		version("v1beta1", &networkingv1beta1.IPAddress{}, &networkingv1beta1.IPAddressList{}, &networkingv1beta1.ServiceCIDR{}, &networkingv1beta1.ServiceCIDRList{}),
	}
	unstableResource = []Version{
		version("v1beta2", &resourcev1beta2.DeviceClass{}, &resourcev1beta2.DeviceClassList{}, &resourcev1beta2.ResourceClaim{}, &resourcev1beta2.ResourceClaimList{}, &resourcev1beta2.ResourceClaimTemplate{}, &resourcev1beta2.ResourceClaimTemplateList{}, &resourcev1beta2.ResourceSlice{}, &resourcev1beta2.ResourceSliceList{}, &resourcev1beta2.DeviceTaintRule{}, &resourcev1beta2.DeviceTaintRuleList{}),
		version("v1beta1", &resourcev1beta1.DeviceClass{}, &resourcev1beta1.DeviceClassList{}, &resourcev1beta1.ResourceClaim{}, &resourcev1beta1.ResourceClaimList{}, &resourcev1beta1.ResourceClaimTemplate{}, &resourcev1beta1.ResourceClaimTemplateList{}, &resourcev1beta1.ResourceSlice{}, &resourcev1beta1.ResourceSliceList{}),
		version("v1alpha3", &resourcev1alpha3.DeviceTaintRule{}, &resourcev1alpha3.DeviceTaintRuleList{}, &resourcev1alpha3.ResourcePoolStatusRequest{}, &resourcev1alpha3.ResourcePoolStatusRequestList{}),
	}
	unstableMigration = []Version{
		version("v1beta1", &storagemigrationv1beta1.StorageVersionMigration{}, &storagemigrationv1beta1.StorageVersionMigrationList{}),
	}
	unstableStorage = []Version{
		version("v1beta1", &storagev1beta1.VolumeAttributesClass{}, &storagev1beta1.VolumeAttributesClassList{}),
	}
)

// registerUnstable makes the kinds of a version known.
func registerUnstable(s *runtime.Scheme, group string, v Version) {
	gv := schema.GroupVersion{Group: group, Version: v.Name}
	s.AddKnownTypes(gv, v.types...)
	metav1.AddToGroupVersion(s, gv)
}
