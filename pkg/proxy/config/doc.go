// Package config reads, completes and checks a KubeProxyConfiguration
// (kubeproxy.config.k8s.io/v1alpha1). The published type is used as it is: there
// is no second form of it.
//
//	Load (file) or New (flags)  ->  SetDefaults  ->  Validate
package config
