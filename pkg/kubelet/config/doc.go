// Package config loads the kubelet's configuration: the published KubeletConfiguration of kubelet.config.k8s.io/v1beta1
// from a file and a directory of drop-ins, with the documented defaults for what neither says.
//
// The published type is used as it is; there is no internal copy.
package config
