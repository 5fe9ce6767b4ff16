package admission

import (
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"

	"tiphys.dev/tiphys/pkg/apiserver/admission/defaulttolerationseconds"
	"tiphys.dev/tiphys/pkg/apiserver/admission/priority"
	"tiphys.dev/tiphys/pkg/apiserver/admission/serviceaccount"
	"tiphys.dev/tiphys/pkg/apiserver/admission/taintnodesbycondition"
)

// plugin is a row of the table.
type plugin struct {
	name string
	// on tells whether the plugin is on by default.
	on bool
	// register adds the plugin to the known ones; nil for those that the library registers itself.
	register func(*admission.Plugins, *Settings)
}

// plugins lists every plugin in the order in which they see a request; the validating ones run after all mutating ones.
var plugins = []plugin{
	{lifecycle.PluginName, true, nil},
	{serviceaccount.PluginName, true, plain(serviceaccount.Register)},
	{taintnodesbycondition.PluginName, true, plain(taintnodesbycondition.Register)},
	{priority.PluginName, true, plain(priority.Register)},
	{defaulttolerationseconds.PluginName, true, func(p *admission.Plugins, s *Settings) {
		defaulttolerationseconds.Register(p, defaulttolerationseconds.Seconds{
			NotReady: &s.DefaultNotReadyTolerationSeconds, Unreachable: &s.DefaultUnreachableTolerationSeconds,
		})
	}},
	{mutatingpolicy.PluginName, true, nil},
	{mutatingwebhook.PluginName, true, nil},
	{validatingpolicy.PluginName, true, nil},
	{validatingwebhook.PluginName, true, nil},
}

// plain adapts a plugin that has no settings.
func plain(register func(*admission.Plugins)) func(*admission.Plugins, *Settings) {
	return func(p *admission.Plugins, _ *Settings) { register(p) }
}
