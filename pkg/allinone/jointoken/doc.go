// Package jointoken knows the tokens with which machines join a cluster: their written form, and
// the Secrets the API server knows them by.
//
// A token is a bootstrap token of Kubernetes (secret bootstrap-token-ID in kube-system, type
// bootstrap.kubernetes.io/token) together with the hash of the cluster's authority:
//
//	sha256:<hash of the authority's public key>::<id>.<secret>
//
// The hash is kubeadm's discovery-token-ca-cert-hash. With it a machine knows whom it talks to
// before it says anything secret; the secret alone would have to be sent to whoever answers.
package jointoken
