// Package device lets device plugins (API v1beta1) offer hardware to pods.
//
// A plugin registers at the kubelet's socket (register.go); its list of devices is followed as long as it lives (plugin.go). AllocatePod, called
// when a pod is admitted, chooses free healthy devices and asks the plugin to prepare them (allocate.go); the choice is written to disk before the pod
// starts (checkpoint.go), so that a restarted kubelet never gives a device to a second pod. Options tells the container runtime what to put into a container.
//
// Devices of a plugin that went away stay known but unhealthy for five minutes, so that a plugin can be upgraded in place.
package device
