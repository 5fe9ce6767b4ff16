// Package node authorizes kubelets: a node may read the secrets, config maps, claims and other objects that pods bound to it
// refer to, and nothing of the kind beyond, and may write only what concerns itself and its pods.
//
// Which node may read which object is an index on the pod cache, kept by the informer: a decision is one look-up, and a pod's
// coming or going costs what that pod refers to. See https://kubernetes.io/docs/reference/access-authn-authz/node/.
package node
