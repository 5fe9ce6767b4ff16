// Package nodettl tells kubelets, in the annotation node.alpha.kubernetes.io/ttl, how many seconds they may use a Secret or
// ConfigMap without asking again: none in a small cluster, longer the more nodes there are.
package nodettl
