// Package gated stands for the plugins of upstream that do nothing unless an alpha gate is on: PodGroupProtection and
// PodGroupWorkloadExists, which are about PodGroups, and JobValidation, which is about Jobs scheduled as such a group
// (https://kep.k8s.io/4671, https://kep.k8s.io/5547). This server does not serve PodGroups and Workloads, so there is nothing they
// could do: the names are accepted, and the log says so when the gate is turned on.
package gated
