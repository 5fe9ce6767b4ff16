package scheme

import (
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
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// Version is an alpha or beta version of a group. It is served when --runtime-config asks for it, and known in any case: releases write a
// new version only when the release before them could read it, so what became v1 in this release is stored in its beta version, and what
// became v1 one or more releases ago may still lie in the store as it was written then.
type Version struct {
	Name string
	// Kinds are those that 1.36 still serves or may find in a store.
	Kinds []string

	install func(*runtime.Scheme) error
}

var (
	unstableAdmission = []Version{
		{"v1beta1", []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}, admissionregistrationv1beta1.AddToScheme},
		{"v1alpha1", []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}, admissionregistrationv1alpha1.AddToScheme},
	}
	unstableCertificates = []Version{
		{"v1beta1", []string{"ClusterTrustBundle"}, certificatesv1beta1.AddToScheme},
		{"v1alpha1", []string{"ClusterTrustBundle"}, certificatesv1alpha1.AddToScheme},
	}
	unstableInternal = []Version{
		{"v1alpha1", []string{"StorageVersion"}, apiserverinternalv1alpha1.AddToScheme},
	}
	unstableCoordination = []Version{
		{"v1beta1", []string{"LeaseCandidate"}, coordinationv1beta1.AddToScheme},
		{"v1alpha2", []string{"LeaseCandidate"}, coordinationv1alpha2.AddToScheme},
	}
	unstableFlowcontrol = []Version{
		{"v1beta3", []string{"FlowSchema", "PriorityLevelConfiguration"}, flowcontrolv1beta3.AddToScheme},
	}
	unstableNetworking = []Version{
		{"v1beta1", []string{"IPAddress", "ServiceCIDR"}, networkingv1beta1.AddToScheme},
	}
	unstableResource = []Version{
		{"v1beta2", []string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice", "DeviceTaintRule"}, resourcev1beta2.AddToScheme},
		{"v1beta1", []string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"}, resourcev1beta1.AddToScheme},
		{"v1alpha3", []string{"DeviceTaintRule", "ResourcePoolStatusRequest"}, resourcev1alpha3.AddToScheme},
	}
	unstableMigration = []Version{
		{"v1beta1", []string{"StorageVersionMigration"}, storagemigrationv1beta1.AddToScheme},
	}
	unstableStorage = []Version{
		{"v1beta1", []string{"VolumeAttributesClass"}, storagev1beta1.AddToScheme},
	}
)

// registerUnstable makes the kinds of a version known; the published package has more, which are served no longer.
func registerUnstable(s *runtime.Scheme, group string, v Version) {
	all := runtime.NewScheme()
	utilruntime.Must(v.install(all))
	gv := schema.GroupVersion{Group: group, Version: v.Name}
	for _, kind := range v.Kinds {
		for _, name := range []string{kind, kind + "List"} {
			obj, err := all.New(gv.WithKind(name))
			utilruntime.Must(err)
			s.AddKnownTypeWithName(gv.WithKind(name), obj)
		}
	}
	metav1.AddToGroupVersion(s, gv)
}
