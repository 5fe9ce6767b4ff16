// Package quota says what every object costs against the ResourceQuota objects of its namespace: one evaluator for pods, services,
// volume claims and resource claims, and plain counts for the rest. The admission plugin ResourceQuota charges with it, and the
// resourcequota controller counts with it, so both must use this package.
//
// New makes the configuration that k8s.io/apiserver/pkg/admission/plugin/resourcequota and the controller take; DeviceClasses
// makes the mapping of device classes to extended resources from informers. See
// https://kubernetes.io/docs/concepts/policy/resource-quotas/.
package quota
