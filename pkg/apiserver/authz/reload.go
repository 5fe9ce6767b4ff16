package authz

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server/options/authorizationconfig/metrics"
	"k8s.io/apiserver/pkg/util/filesystem"
	"k8s.io/klog/v2"
)

// reloadable is a chain that follows a file. A file that cannot be used leaves the chain before in force.
type reloadable struct {
	file     string
	required sets.Set[string]
	builder  *builder

	// text is the configuration in force. Only the one watching goroutine touches it.
	text    []byte
	current atomic.Pointer[chain]
}

var _ member = &reloadable{}

func newReloadable(file string, text []byte, required sets.Set[string], b *builder, first *chain) *reloadable {
	r := &reloadable{file: file, required: required, builder: b, text: text}
	r.current.Store(first)
	return r
}

// Authorize implements authorizer.Authorizer.
func (r *reloadable) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	return r.current.Load().Authorize(ctx, a)
}

// RulesFor implements authorizer.RuleResolver.
func (r *reloadable) RulesFor(ctx context.Context, u user.Info, namespace string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	return r.current.Load().RulesFor(ctx, u, namespace)
}

// watch follows the file until ctx ends.
func (r *reloadable) watch(ctx context.Context) {
	metrics.RegisterMetrics()
	id := r.builder.deps.ServerID
	metrics.RecordAuthorizationConfigLastConfigInfo(id, string(r.text))
	filesystem.WatchUntil(ctx, time.Minute, r.file,
		func() {
			changed, err := r.reload()
			switch {
			case err != nil:
				klog.ErrorS(err, "The changed authorization configuration is not taken; the one before stays in force", "file", r.file)
				metrics.RecordAuthorizationConfigAutomaticReloadFailure(id)
			case changed:
				klog.InfoS("Took the changed authorization configuration", "file", r.file)
				metrics.RecordAuthorizationConfigAutomaticReloadSuccess(id, string(r.text))
			}
		},
		func(err error) { klog.ErrorS(err, "Watching the authorization configuration", "file", r.file) })
}

// reload puts the file's configuration in force if it is another one. Only webhooks may come, go and move: the others keep
// caches that were filled at the start.
func (r *reloadable) reload() (changed bool, err error) {
	config, text, err := readStructured(r.file, r.builder.compiler)
	if err != nil {
		return false, err
	}
	if bytes.Equal(text, r.text) {
		return false, nil
	}
	if got := fixedTypes(config); !got.Equal(r.required) {
		return false, fmt.Errorf("the types other than Webhook can not change while the server runs: there are %q, there were %q", sets.List(got), sets.List(r.required))
	}
	next, err := r.builder.chain(config)
	if err != nil {
		return false, err
	}
	r.text = text
	r.current.Store(next)
	return true, nil
}
