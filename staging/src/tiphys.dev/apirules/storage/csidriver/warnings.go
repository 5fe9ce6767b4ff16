package csidriver

import (
	"reflect"

	v1 "k8s.io/api/storage/v1"
)

// Warnings tells of tokens that would travel where they are easily logged.
func Warnings(obj *v1.CSIDriver) []string {
	if len(obj.Spec.TokenRequests) > 0 && obj.Spec.ServiceAccountTokenInSecrets == nil {
		return []string{"spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"}
	}
	return nil
}

// UpdateWarnings tells the same when tokens are asked for anew.
func UpdateWarnings(obj, old *v1.CSIDriver) []string {
	if reflect.DeepEqual(obj.Spec.TokenRequests, old.Spec.TokenRequests) && reflect.DeepEqual(obj.Spec.ServiceAccountTokenInSecrets, old.Spec.ServiceAccountTokenInSecrets) {
		return nil
	}
	return Warnings(obj)
}
