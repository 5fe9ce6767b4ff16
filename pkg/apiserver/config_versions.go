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

// manyVersions are the keys of --runtime-config that switch on what is not stable.
var manyVersions = []string{"api/all", "api/alpha", "api/beta"}

// dropUnserved forgets what --runtime-config says of versions that 1.36 knows and this server does not serve, the alpha and beta ones,
// which are off in 1.36 until somebody names them: a command line that names them must not keep the server from starting. The
// log says what has no effect. Versions that nobody knows stay, and are refused later.
func (c *Config) dropUnserved() {
	served := map[schema.GroupVersion]bool{}
	for _, g := range scheme.Groups {
		for _, v := range g.Versions {
			served[schema.GroupVersion{Group: g.Name, Version: v}] = true
		}
	}
	config := c.Enablement.RuntimeConfig
	for _, key := range slices.Sorted(maps.Keys(config)) {
		on := config[key] != "false"
		parts := strings.Split(key, "/")
		switch {
		case slices.Contains(manyVersions, key):
			if on {
				klog.InfoS("A flag has no effect", "flag", "--runtime-config="+key, "reason", "stable versions are on, and alpha and beta versions are not served")
			}
			continue
		case len(parts) < 2:
			continue
		}
		gv := schema.GroupVersion{Group: parts[0], Version: parts[1]}
		if served[gv] || !clientscheme.Scheme.IsVersionRegistered(gv) {
			continue
		}
		if on {
			klog.InfoS("A flag has no effect", "flag", "--runtime-config="+key, "reason", "alpha and beta versions are not served")
		}
		delete(config, key)
	}
}
