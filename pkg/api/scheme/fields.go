package scheme

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// selectable lists the fields a field selector may name, besides metadata.name and metadata.namespace, for each kind that
// has any. The registry's folder of the resource gives their values.
var selectable = map[schema.GroupVersionKind][]string{
	{Version: "v1", Kind: "Pod"}: {
		"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
		"status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
	},
	{Version: "v1", Kind: "Node"}:                  {"spec.unschedulable"},
	{Version: "v1", Kind: "ReplicationController"}: {"status.replicas"},
	{Version: "v1", Kind: "Namespace"}:             {"status.phase"},
	{Version: "v1", Kind: "Secret"}:                {"type"},
	{Version: "v1", Kind: "Service"}:               {"spec.clusterIP", "spec.type"},
	{Version: "v1", Kind: "Event"}: {
		"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
		"involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
		"reason", "reportingComponent", "source", "type",
	},
	{Group: "batch", Version: "v1", Kind: "Job"}:                                     {"status.successful"},
	{Group: "certificates.k8s.io", Version: "v1", Kind: "CertificateSigningRequest"}: {"spec.signerName"},
	{Group: "certificates.k8s.io", Version: "v1beta1", Kind: "ClusterTrustBundle"}:   {"spec.signerName"},
	{Group: "certificates.k8s.io", Version: "v1alpha1", Kind: "ClusterTrustBundle"}:  {"spec.signerName"},
	{Group: "resource.k8s.io", Version: "v1", Kind: "ResourceSlice"}:                 {"spec.nodeName", "spec.driver"},
	{Group: "resource.k8s.io", Version: "v1beta2", Kind: "ResourceSlice"}:            {"spec.nodeName", "spec.driver"},
	{Group: "resource.k8s.io", Version: "v1beta1", Kind: "ResourceSlice"}:            {"spec.nodeName", "spec.driver"},
}

// clusterWide are those of them that have no namespace to select by.
var clusterWide = map[string]bool{"Node": true, "Namespace": true, "CertificateSigningRequest": true, "ClusterTrustBundle": true, "ResourceSlice": true}

// eventFields translates the field names of events.k8s.io/v1 into those of the stored core event.
var eventFields = map[string]string{
	"metadata.name": "metadata.name", "metadata.namespace": "metadata.namespace",
	"reason": "reason", "type": "type", "reportingController": "reportingComponent",
	"regarding.kind": "involvedObject.kind", "regarding.namespace": "involvedObject.namespace",
	"regarding.name": "involvedObject.name", "regarding.uid": "involvedObject.uid",
	"regarding.apiVersion": "involvedObject.apiVersion", "regarding.resourceVersion": "involvedObject.resourceVersion",
	"regarding.fieldPath": "involvedObject.fieldPath",
}

func registerFields(s *runtime.Scheme) error {
	for gvk, names := range selectable {
		allowed := map[string]bool{"metadata.name": true, "metadata.namespace": !clusterWide[gvk.Kind]}
		for _, n := range names {
			allowed[n] = true
		}
		err := s.AddFieldLabelConversionFunc(gvk, func(label, value string) (string, string, error) {
			if !allowed[label] {
				if gvk.Kind == "ResourceSlice" {
					return "", "", fmt.Errorf("field label not supported for %s: %s", gvk, label)
				}
				if gvk.Kind == "Job" {
					return "", "", fmt.Errorf("field label %q not supported for Job", label)
				}
				return "", "", fmt.Errorf("field label not supported: %s", label)
			}
			return label, value, nil
		})
		if err != nil {
			return err
		}
	}
	return s.AddFieldLabelConversionFunc(schema.GroupVersionKind{Group: "events.k8s.io", Version: "v1", Kind: "Event"},
		func(label, value string) (string, string, error) {
			stored, ok := eventFields[label]
			if !ok {
				return "", "", fmt.Errorf("field label not supported: %s", label)
			}
			return stored, value, nil
		})
}
