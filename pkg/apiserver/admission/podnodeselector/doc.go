// Package podnodeselector keeps the pods of a namespace to the nodes that an annotation of the namespace, or else the plugin's
// configuration, selects. See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podnodeselector.
package podnodeselector
