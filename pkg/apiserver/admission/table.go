package admission

import (
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
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
	{mutatingpolicy.PluginName, true, nil},
	{mutatingwebhook.PluginName, true, nil},
	{validatingpolicy.PluginName, true, nil},
	{validatingwebhook.PluginName, true, nil},
}
