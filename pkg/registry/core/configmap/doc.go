// Package configmap is what the API does with configmaps: configuration data, at most 1 MiB for each object.
// What one must look like is in tiphys.dev/apirules/core/configmap.
package configmap
