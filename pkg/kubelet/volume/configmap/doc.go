// Package configmap is the configMap volume: the keys of a ConfigMap as files, following its changes.
package configmap
