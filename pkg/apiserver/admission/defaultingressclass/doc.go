// Package defaultingressclass gives ingresses that name no class the default one, if the cluster has one. See
// https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class.
package defaultingressclass
