// Package config reads, completes and checks KubeSchedulerConfiguration v1. It works on the published types directly; after Complete a
// configuration says everything: each profile's MultiPoint lists the plugins in effect, and PluginConfig the arguments of those
// that have any.
package config
