package kubelet

import (
	"context"
	"os"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
)

// appArmor tells whether the host's kernel has AppArmor switched on.
func appArmor() bool {
	data, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && strings.HasPrefix(string(data), "Y")
}

// recursiveReadOnly tells whether the runtime can make mounts read-only all the way down. Asked once.
func (r *rooms) recursiveReadOnly() func(*v1.Pod) bool {
	return func(pod *v1.Pod) bool { return r.handlers()[""] }
}

// handlers maps runtime handlers to whether they know recursive read-only mounts.
func (r *rooms) handlers() map[string]bool {
	r.handlersOnce.Do(func() {
		r.handlersRRO = map[string]bool{}
		s, err := r.client.Runtime.Status(context.Background(), false)
		if err != nil {
			return
		}
		for _, h := range s.RuntimeHandlers {
			r.handlersRRO[h.Name] = h.Features != nil && h.Features.RecursiveReadOnlyMounts
		}
	})
	return r.handlersRRO
}

type handlerFeatures struct {
	handlersOnce sync.Once
	handlersRRO  map[string]bool
}
