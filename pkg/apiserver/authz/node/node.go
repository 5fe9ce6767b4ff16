package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
)

// Authorizer decides for users of the group system:nodes and has no opinion about others.
type Authorizer struct{ index *index }

var (
	_ authorizer.Authorizer   = &Authorizer{}
	_ authorizer.RuleResolver = &Authorizer{}
)

// New makes the authorizer on the informers, which the caller starts.
func New(i informers.SharedInformerFactory) (*Authorizer, error) {
	x, err := newIndex(i)
	if err != nil {
		return nil, err
	}
	return &Authorizer{x}, nil
}

const userPrefix = "system:node:"

// NodeName returns the node that the user is; ok tells whether it is one.
func NodeName(u user.Info) (name string, ok bool) {
	if u == nil || !slices.Contains(u.GetGroups(), user.NodesGroup) {
		return "", false
	}
	name, ok = strings.CutPrefix(u.GetName(), userPrefix)
	return name, ok && name != ""
}

// RulesFor implements authorizer.RuleResolver. What a node may do depends on the objects, so no list of rules says it.
func (a *Authorizer) RulesFor(_ context.Context, u user.Info, _ string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	if _, ok := NodeName(u); ok {
		return nil, nil, true, fmt.Errorf("node authorizer does not support user rule resolution")
	}
	return nil, nil, false, nil
}

// Authorize implements authorizer.Authorizer.
func (a *Authorizer) Authorize(_ context.Context, r authorizer.Attributes) (authorizer.Decision, string, error) {
	if !slices.Contains(groups(r.GetUser()), user.NodesGroup) {
		return authorizer.DecisionNoOpinion, "", nil
	}
	node, ok := NodeName(r.GetUser())
	if !ok {
		return no("unknown node for user %q", r.GetUser().GetName())
	}
	if r.IsResourceRequest() {
		if decide, restricted := a.restricted(r); restricted {
			return decide(node)
		}
	}
	if general(r) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func groups(u user.Info) []string {
	if u == nil {
		return nil
	}
	return u.GetGroups()
}

func no(format string, args ...any) (authorizer.Decision, string, error) {
	return authorizer.DecisionNoOpinion, fmt.Sprintf(format, args...), nil
}

type decision func(node string) (authorizer.Decision, string, error)

// restricted returns how to decide about resources for which it matters which node asks.
func (a *Authorizer) restricted(r authorizer.Attributes) (decision, bool) {
	switch (groupResource{r.GetAPIGroup(), r.GetResource()}) {
	case groupResource{"", "secrets"}, groupResource{"", "configmaps"}:
		return a.readRelated(r), true
	case groupResource{"", "persistentvolumeclaims"}:
		if r.GetSubresource() == "status" {
			return a.related(r, "get", "update", "patch"), true
		}
		return a.related(r, "get"), true
	case groupResource{"", "persistentvolumes"}, groupResource{"resource.k8s.io", "resourceclaims"}:
		return a.related(r, "get"), true
	case groupResource{"storage.k8s.io", "volumeattachments"}:
		return func(node string) (authorizer.Decision, string, error) {
			if r.GetVerb() == "get" && r.GetSubresource() == "" && a.index.attached(node, r.GetName()) {
				return authorizer.DecisionAllow, "", nil
			}
			return no("no relationship found between node '%s' and this object", node)
		}, true
	case groupResource{"", "serviceaccounts"}:
		return a.account(r), true
	case groupResource{"", "nodes"}:
		return self(r, "nodes"), true
	case groupResource{"", "pods"}:
		return a.pods(r), true
	case groupResource{"coordination.k8s.io", "leases"}:
		return lease(r), true
	case groupResource{"storage.k8s.io", "csinodes"}:
		return csiNode(r), true
	case groupResource{"resource.k8s.io", "resourceslices"}:
		return a.resourceSlice(r), true
	}
	return nil, false
}

type groupResource struct{ group, resource string }

// readRelated allows get, and list and watch of the single object, of what the node's pods refer to.
func (a *Authorizer) readRelated(r authorizer.Attributes) decision {
	return a.related(r, "get", "list", "watch")
}

func (a *Authorizer) related(r authorizer.Attributes, verbs ...string) decision {
	return func(node string) (authorizer.Decision, string, error) {
		switch {
		case !slices.Contains(verbs, r.GetVerb()):
			return no("can only %s individual resources of this type", strings.Join(verbs, "/"))
		case r.GetName() == "":
			return no("No Object name found")
		case r.GetSubresource() != "" && r.GetSubresource() != "status":
			return no("cannot access subresource %s", r.GetSubresource())
		case !a.index.refers(node, r.GetResource(), r.GetNamespace(), r.GetName()):
			return no("no relationship found between node '%s' and this object", node)
		}
		return authorizer.DecisionAllow, "", nil
	}
}

// account allows to request tokens for the accounts of the node's pods, and to read those accounts.
func (a *Authorizer) account(r authorizer.Attributes) decision {
	return func(node string) (authorizer.Decision, string, error) {
		token := r.GetVerb() == "create" && r.GetSubresource() == "token"
		read := r.GetVerb() == "get" && r.GetSubresource() == ""
		if !token && !read {
			return no("can only get individual service accounts and create tokens for them")
		}
		if r.GetName() == "" || !a.index.refers(node, "serviceaccounts", r.GetNamespace(), r.GetName()) {
			return no("no relationship found between node '%s' and this object", node)
		}
		return authorizer.DecisionAllow, "", nil
	}
}

// self allows a node to write its own Node, and reading only that one.
func self(r authorizer.Attributes, resource string) decision {
	return func(node string) (authorizer.Decision, string, error) {
		own := r.GetName() == node
		switch r.GetSubresource() {
		case "":
			switch r.GetVerb() {
			case "get", "list", "watch":
				if own || selectsName(r, node) {
					return authorizer.DecisionAllow, "", nil
				}
				if r.GetName() != "" {
					return no("node '%s' cannot read '%s', only its own Node object", node, r.GetName())
				}
				return no("node '%s' cannot read all %s, only its own Node object", node, resource)
			case "create", "update", "patch":
				// Which node is written is for admission to decide, which sees the object.
				return authorizer.DecisionAllow, "", nil
			}
		case "status":
			if r.GetVerb() == "update" || r.GetVerb() == "patch" {
				return authorizer.DecisionAllow, "", nil
			}
		case "configz", "healthz", "metrics", "log", "stats", "pods", "proxy":
			return no("node '%s' cannot reach kubelets", node)
		}
		return authorizer.DecisionNoOpinion, "", nil
	}
}

// selectsName tells whether a field selector narrows the request to the node's own name.
func selectsName(r authorizer.Attributes, node string) bool {
	return requires(r, "metadata.name", node)
}

func requires(r authorizer.Attributes, field, value string) bool {
	reqs, err := r.GetFieldSelector()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(reqs, func(f fields.Requirement) bool {
		return f.Field == field && string(f.Operator) == "=" && f.Value == value
	})
}

// pods allows a node to list and watch the pods bound to it, to read and end them, and to create mirror pods; admission
// checks what it writes.
func (a *Authorizer) pods(r authorizer.Attributes) decision {
	return func(node string) (authorizer.Decision, string, error) {
		switch r.GetSubresource() {
		case "":
			switch r.GetVerb() {
			case "get":
				if a.index.refers(node, "pods", r.GetNamespace(), r.GetName()) {
					return authorizer.DecisionAllow, "", nil
				}
				return no("no relationship found between node '%s' and this object", node)
			case "list", "watch":
				if requires(r, "spec.nodeName", node) || (r.GetName() != "" && a.index.refers(node, "pods", r.GetNamespace(), r.GetName())) {
					return authorizer.DecisionAllow, "", nil
				}
				return no("can only list/watch pods with spec.nodeName field selector")
			case "create", "delete":
				return authorizer.DecisionAllow, "", nil
			}
		case "status":
			if r.GetVerb() == "update" || r.GetVerb() == "patch" {
				return authorizer.DecisionAllow, "", nil
			}
		case "eviction":
			if r.GetVerb() == "create" {
				return authorizer.DecisionAllow, "", nil
			}
		}
		return authorizer.DecisionNoOpinion, "", nil
	}
}

func lease(r authorizer.Attributes) decision {
	return func(node string) (authorizer.Decision, string, error) {
		if r.GetNamespace() != v1.NamespaceNodeLease {
			return no("can only access leases in the %q system namespace", v1.NamespaceNodeLease)
		}
		switch r.GetVerb() {
		case "create":
			return authorizer.DecisionAllow, "", nil
		case "get", "update", "patch", "delete":
			if r.GetName() == node && r.GetSubresource() == "" {
				return authorizer.DecisionAllow, "", nil
			}
		}
		return no("can only access node lease with the same name as the requesting node")
	}
}

func csiNode(r authorizer.Attributes) decision {
	return func(node string) (authorizer.Decision, string, error) {
		switch r.GetVerb() {
		case "create":
			return authorizer.DecisionAllow, "", nil
		case "get", "update", "patch", "delete":
			if r.GetName() == node && r.GetSubresource() == "" {
				return authorizer.DecisionAllow, "", nil
			}
		}
		return no("can only access CSINode with the same name as the requesting node")
	}
}

func (a *Authorizer) resourceSlice(r authorizer.Attributes) decision {
	return func(node string) (authorizer.Decision, string, error) {
		switch r.GetVerb() {
		case "create":
			return authorizer.DecisionAllow, "", nil
		case "get", "update", "patch", "delete":
			if a.index.slice(node, r.GetName()) {
				return authorizer.DecisionAllow, "", nil
			}
		case "list", "watch", "deletecollection":
			if requires(r, "spec.nodeName", node) {
				return authorizer.DecisionAllow, "", nil
			}
			return no("can only list/watch/deletecollection resourceslices with nodeName field selector")
		}
		return no("can only access resource slices with the spec.nodeName of the requesting node")
	}
}
