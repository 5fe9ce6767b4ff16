// Package noderestriction keeps a kubelet to its own node: its Node object, CSINode, lease and resource slices, the pods bound to
// it, mirror pods of its static pods, and tokens for the accounts of its pods. The Node authorizer decides which resources a
// kubelet reaches at all; this plugin decides by content.
//
// admission.go asks who acts and hands the request to the file of its resource: pod.go, node.go, claim.go, token.go, owned.go
// (objects named after the node or naming it) and csr.go. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction.
package noderestriction
