package apiserver

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// dropUnserved forgets what --runtime-config says of versions that 1.36 knows and serves no resources of, such as batch/v1beta1: a command line that
// names them must not keep the server from starting. The log says what has no effect. Versions that nobody knows stay, and are refused later.
func (c *Config) dropUnserved() {
	served := map[schema.GroupVersion]bool{}
	for _, g := range scheme.Groups {
		for _, gv := range g.GroupVersions() {
			served[gv] = true
		}
	}
	config := c.Enablement.RuntimeConfig
	for _, key := range slices.Sorted(maps.Keys(config)) {
		parts := strings.Split(key, "/")
		if len(parts) < 2 {
			continue
		}
		gv := schema.GroupVersion{Group: parts[0], Version: parts[1]}
		if served[gv] || !clientscheme.Scheme.IsVersionRegistered(gv) {
			continue
		}
		if config[key] != "false" {
			klog.InfoS("A flag has no effect", "flag", "--runtime-config="+key, "reason", "the version has no resources")
		}
		delete(config, key)
	}
}
