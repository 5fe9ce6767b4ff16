// Package bootstrapsigner signs the kubeconfig in the ConfigMap kube-public/cluster-info with every bootstrap token that may
// sign, so that a joining node which knows a token can trust what it reads there without trusting the connection. Signatures of
// tokens that are gone are removed.
package bootstrapsigner
