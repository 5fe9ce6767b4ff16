package admission

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/quota"
)

// initialize gives plugins what the library's own initializer does not know.
type initialize struct{ quota apiquota.Configuration }

func newInitializer(f informers.SharedInformerFactory) (*initialize, error) {
	classes, _, err := quota.DeviceClasses(klog.Background(), f)
	if err != nil {
		return nil, err
	}
	owners := &quota.Owners{Pods: f.Core().V1().Pods().Lister(), Claims: f.Resource().V1().ResourceClaims().Lister()}
	q, err := quota.New(quota.Config{Classes: classes, Owners: owners})
	if err != nil {
		return nil, fmt.Errorf("building the quota evaluators: %w", err)
	}
	return &initialize{quota: q}, nil
}

// Initialize implements admission.PluginInitializer.
func (i *initialize) Initialize(plugin admission.Interface) {
	if p, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		p.SetQuotaConfiguration(i.quota)
	}
	if p, ok := plugin.(initializer.WantsExcludedAdmissionResources); ok {
		p.SetExcludedAdmissionResources(excluded())
	}
}

// excluded are the resources that no webhook and no policy sees: reviews, which are asked on the way of every request, and the
// webhooks and policies themselves, which one of them could otherwise make impossible to repair.
func excluded() []schema.GroupResource {
	var all []schema.GroupResource
	for _, g := range []struct {
		group     string
		resources []string
	}{
		{"authentication.k8s.io", []string{"selfsubjectreviews", "tokenreviews"}},
		{"authorization.k8s.io", []string{"localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"}},
		{"admissionregistration.k8s.io", []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
			"validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations"}},
	} {
		for _, r := range g.resources {
			all = append(all, schema.GroupResource{Group: g.group, Resource: r})
		}
	}
	return all
}
