// Package persistentvolumeclaimresize lets only such claims grow whose storage class allows it. See
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims.
package persistentvolumeclaimresize
