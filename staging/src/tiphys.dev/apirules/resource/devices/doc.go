// Package devices holds what the kinds of dynamic resource allocation share: names, selectors, configuration, taints and
// tolerations of devices.
package devices
