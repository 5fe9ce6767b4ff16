// Package csrsigning issues certificates for approved requests of the built-in signers, each with the authority it was given:
// kubernetes.io/kube-apiserver-client, kube-apiserver-client-kubelet, kubelet-serving and legacy-unknown. A request that its
// signer does not allow gets the condition Failed.
//
// Key files are read when a certificate is issued, so that a changed authority needs no restart.
package csrsigning
