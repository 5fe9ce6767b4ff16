// Package defaultstorageclass gives volume claims that name no storage class the default one, if the cluster has one. See
// https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass.
package defaultstorageclass
