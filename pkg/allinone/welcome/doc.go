// Package welcome is what a cluster does so that machines can join it.
//
// Publish writes, under kubeadm's names, what a machine must know and the rights it needs for that:
// kube-public/cluster-info (address and authority; signed by the bootstrap signer, readable by
// everybody), kube-system/kubelet-config and kube-system/kube-proxy (for nodes and for holders of a
// token), and the bindings that let a token ask for a node's client certificate and a node renew it.
//
// Approver decides about the two kinds of certificates that Kubernetes itself approves for nobody:
// a kubelet's serving certificate and a proxy's client certificate, asked for by a node that has
// joined. judge is the whole decision. What it does not know it leaves for people.
package welcome
