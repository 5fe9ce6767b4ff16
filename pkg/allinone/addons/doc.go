// Package addons puts the objects into the cluster that every cluster is expected to have: the
// cluster's DNS (CoreDNS as a Deployment with its Service, configuration and rights), under the
// names kubeadm gives them.
//
// Objects that exist are left as they are: people change the Corefile or the number of replicas,
// and a restart must not undo that.
package addons
