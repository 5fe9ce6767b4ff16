// Package podspec holds the rules of what pods, pod templates and static pods share: defaults and checks of containers,
// volumes, probes, security contexts, affinity, resources and the rest of v1.PodSpec, one subject a file.
//
// Rules of the pod itself (its metadata, its status, what may change) are in core/pod. Options say what the caller is:
// a pod or a template, new or existing, and what an existing one may keep although a new one may not have it.
package podspec
