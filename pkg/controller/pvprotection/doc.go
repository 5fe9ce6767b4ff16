// Package pvprotection keeps a PersistentVolume that is being deleted while it is bound to a claim, by the finalizer
// kubernetes.io/pv-protection.
package pvprotection
