package admission

import (
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"

	"tiphys.dev/tiphys/pkg/apiserver/admission/always"
	"tiphys.dev/tiphys/pkg/apiserver/admission/alwayspullimages"
	"tiphys.dev/tiphys/pkg/apiserver/admission/antiaffinity"
	"tiphys.dev/tiphys/pkg/apiserver/admission/certificates/approval"
	"tiphys.dev/tiphys/pkg/apiserver/admission/certificates/ctbattest"
	"tiphys.dev/tiphys/pkg/apiserver/admission/certificates/signing"
	"tiphys.dev/tiphys/pkg/apiserver/admission/certificates/subjectrestriction"
	"tiphys.dev/tiphys/pkg/apiserver/admission/defaultingressclass"
	"tiphys.dev/tiphys/pkg/apiserver/admission/defaultstorageclass"
	"tiphys.dev/tiphys/pkg/apiserver/admission/defaulttolerationseconds"
	"tiphys.dev/tiphys/pkg/apiserver/admission/denyserviceexternalips"
	"tiphys.dev/tiphys/pkg/apiserver/admission/eventratelimit"
	"tiphys.dev/tiphys/pkg/apiserver/admission/extendedresourcetoleration"
	"tiphys.dev/tiphys/pkg/apiserver/admission/gated"
	"tiphys.dev/tiphys/pkg/apiserver/admission/imagepolicy"
	"tiphys.dev/tiphys/pkg/apiserver/admission/limitranger"
	"tiphys.dev/tiphys/pkg/apiserver/admission/namespaceautoprovision"
	"tiphys.dev/tiphys/pkg/apiserver/admission/namespaceexists"
	"tiphys.dev/tiphys/pkg/apiserver/admission/nodedeclaredfeatures"
	"tiphys.dev/tiphys/pkg/apiserver/admission/noderestriction"
	"tiphys.dev/tiphys/pkg/apiserver/admission/ownerreferences"
	"tiphys.dev/tiphys/pkg/apiserver/admission/persistentvolumeclaimresize"
	"tiphys.dev/tiphys/pkg/apiserver/admission/podnodeselector"
	"tiphys.dev/tiphys/pkg/apiserver/admission/podresize"
	"tiphys.dev/tiphys/pkg/apiserver/admission/podsecurity"
	"tiphys.dev/tiphys/pkg/apiserver/admission/podtolerationrestriction"
	"tiphys.dev/tiphys/pkg/apiserver/admission/podtopologylabels"
	"tiphys.dev/tiphys/pkg/apiserver/admission/priority"
	"tiphys.dev/tiphys/pkg/apiserver/admission/runtimeclass"
	"tiphys.dev/tiphys/pkg/apiserver/admission/serviceaccount"
	"tiphys.dev/tiphys/pkg/apiserver/admission/storageobjectinuse"
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

// plugins lists every plugin in the order in which they see a request: first all mutating ones, then all validating ones. Defaults
// come before what reads them, webhooks and policies see the finished object, and quota is charged last, when nothing else can
// refuse any more.
var plugins = []plugin{
	{always.AdmitName, false, plain(always.Register)},
	{namespaceautoprovision.PluginName, false, plain(namespaceautoprovision.Register)},
	{lifecycle.PluginName, true, nil},
	{namespaceexists.PluginName, false, plain(namespaceexists.Register)},
	{antiaffinity.PluginName, false, plain(antiaffinity.Register)},
	{limitranger.PluginName, true, plain(limitranger.Register)},
	{serviceaccount.PluginName, true, plain(serviceaccount.Register)},
	{noderestriction.PluginName, false, plain(noderestriction.Register)},
	{taintnodesbycondition.PluginName, true, plain(taintnodesbycondition.Register)},
	{alwayspullimages.PluginName, false, plain(alwayspullimages.Register)},
	{imagepolicy.PluginName, false, plain(imagepolicy.Register)},
	{podsecurity.PluginName, true, plain(podsecurity.Register)},
	{podnodeselector.PluginName, false, plain(podnodeselector.Register)},
	{priority.PluginName, true, plain(priority.Register)},
	{defaulttolerationseconds.PluginName, true, func(p *admission.Plugins, s *Settings) {
		defaulttolerationseconds.Register(p, defaulttolerationseconds.Seconds{
			NotReady: &s.DefaultNotReadyTolerationSeconds, Unreachable: &s.DefaultUnreachableTolerationSeconds,
		})
	}},
	{podtolerationrestriction.PluginName, false, plain(podtolerationrestriction.Register)},
	{eventratelimit.PluginName, false, plain(eventratelimit.Register)},
	{extendedresourcetoleration.PluginName, false, plain(extendedresourcetoleration.Register)},
	{defaultstorageclass.PluginName, true, plain(defaultstorageclass.Register)},
	{storageobjectinuse.PluginName, true, plain(storageobjectinuse.Register)},
	{gated.PodGroupProtection, true, plain(gated.Register(gated.PodGroupProtection))},
	{ownerreferences.PluginName, false, plain(ownerreferences.Register)},
	{persistentvolumeclaimresize.PluginName, true, plain(persistentvolumeclaimresize.Register)},
	{runtimeclass.PluginName, true, plain(runtimeclass.Register)},
	{approval.PluginName, true, plain(approval.Register)},
	{signing.PluginName, true, plain(signing.Register)},
	{ctbattest.PluginName, true, plain(ctbattest.Register)},
	{subjectrestriction.PluginName, true, plain(subjectrestriction.Register)},
	{defaultingressclass.PluginName, true, plain(defaultingressclass.Register)},
	{denyserviceexternalips.PluginName, false, plain(denyserviceexternalips.Register)},
	{podtopologylabels.PluginName, true, plain(podtopologylabels.Register)},
	{gated.PodGroupWorkloadExists, true, plain(gated.Register(gated.PodGroupWorkloadExists))},
	{nodedeclaredfeatures.PluginName, true, plain(nodedeclaredfeatures.Register)},
	{gated.JobValidation, true, plain(gated.Register(gated.JobValidation))},
	{podresize.PluginName, true, plain(podresize.Register)},
	{mutatingpolicy.PluginName, true, nil},
	{mutatingwebhook.PluginName, true, nil},
	{validatingpolicy.PluginName, true, nil},
	{validatingwebhook.PluginName, true, nil},
	{resourcequota.PluginName, true, plain(resourcequota.Register)},
	{always.DenyName, false, plain(always.RegisterDeny)},
}

// plain adapts a plugin that has no settings.
func plain(register func(*admission.Plugins)) func(*admission.Plugins, *Settings) {
	return func(p *admission.Plugins, _ *Settings) { register(p) }
}
