package node

import (
	"slices"

	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// rule is what every node may do, whichever it is. These are the rules of the ClusterRole system:node without those that
// restricted decides.
type rule struct {
	group     string
	resources []string
	verbs     []string
}

var (
	read         = []string{"get", "list", "watch"}
	generalRules = []rule{
		{"authentication.k8s.io", []string{"tokenreviews"}, []string{"create"}},
		{"authorization.k8s.io", []string{"subjectaccessreviews", "localsubjectaccessreviews"}, []string{"create"}},
		{"", []string{"services"}, read},
		{"", []string{"events"}, []string{"create", "patch", "update"}},
		{"events.k8s.io", []string{"events"}, []string{"create", "patch", "update"}},
		{"certificates.k8s.io", []string{"certificatesigningrequests"}, []string{"create", "get", "list", "watch"}},
		{"storage.k8s.io", []string{"csidrivers"}, read},
		{"node.k8s.io", []string{"runtimeclasses"}, read},
		{"resource.k8s.io", []string{"deviceclasses"}, read},
	}
)

func general(r authorizer.Attributes) bool {
	if !r.IsResourceRequest() || r.GetSubresource() != "" {
		return false
	}
	return slices.ContainsFunc(generalRules, func(g rule) bool {
		return g.group == r.GetAPIGroup() && slices.Contains(g.resources, r.GetResource()) && slices.Contains(g.verbs, r.GetVerb())
	})
}
