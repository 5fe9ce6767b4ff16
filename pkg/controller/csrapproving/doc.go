// Package csrapproving approves what a kubelet asks for itself: client certificates of signer
// kubernetes.io/kube-apiserver-client-kubelet, when the requester may create certificatesigningrequests/selfnodeclient (renewing
// its own) or certificatesigningrequests/nodeclient (joining). Everything else waits for somebody to decide.
// Serving certificates are never approved here: the API server cannot know which addresses are the node's.
package csrapproving
