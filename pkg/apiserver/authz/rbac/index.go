package rbac

import (
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
)

const bySubject = "rbac.subject"

// index finds roles and bindings in the shared informers.
type index struct {
	roles               rbaclisters.RoleLister
	clusterRoles        rbaclisters.ClusterRoleLister
	bindings            cache.Indexer
	clusterRoleBindings cache.Indexer
	synced              []cache.InformerSynced
}

func newIndex(i rbacinformers.Interface) (*index, error) {
	err := i.RoleBindings().Informer().AddIndexers(cache.Indexers{bySubject: func(obj any) ([]string, error) {
		b, ok := obj.(*rbacv1.RoleBinding)
		if !ok {
			return nil, fmt.Errorf("unexpected type %T", obj)
		}
		keys := make([]string, 0, len(b.Subjects))
		for _, s := range b.Subjects {
			keys = append(keys, b.Namespace+"\n"+subjectKey(s, b.Namespace))
		}
		return keys, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("indexing role bindings: %w", err)
	}
	err = i.ClusterRoleBindings().Informer().AddIndexers(cache.Indexers{bySubject: func(obj any) ([]string, error) {
		b, ok := obj.(*rbacv1.ClusterRoleBinding)
		if !ok {
			return nil, fmt.Errorf("unexpected type %T", obj)
		}
		keys := make([]string, 0, len(b.Subjects))
		for _, s := range b.Subjects {
			keys = append(keys, subjectKey(s, ""))
		}
		return keys, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("indexing cluster role bindings: %w", err)
	}
	return &index{
		roles:               i.Roles().Lister(),
		clusterRoles:        i.ClusterRoles().Lister(),
		bindings:            i.RoleBindings().Informer().GetIndexer(),
		clusterRoleBindings: i.ClusterRoleBindings().Informer().GetIndexer(),
		synced: []cache.InformerSynced{
			i.Roles().Informer().HasSynced, i.ClusterRoles().Informer().HasSynced,
			i.RoleBindings().Informer().HasSynced, i.ClusterRoleBindings().Informer().HasSynced,
		},
	}, nil
}

// subjectKey names a subject. A service account without a namespace is one of the binding's.
func subjectKey(s rbacv1.Subject, namespace string) string {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		if s.Namespace != "" {
			namespace = s.Namespace
		}
		if namespace == "" {
			return ""
		}
		// The user name of an account is as good as the account: a binding may name either.
		return userKey(serviceaccount.MakeUsername(namespace, s.Name))
	case rbacv1.GroupKind:
		return groupKey(s.Name)
	default:
		return userKey(s.Name)
	}
}

func userKey(name string) string  { return "u:" + name }
func groupKey(name string) string { return "g:" + name }

// keysOf returns the keys under which bindings of the user are found.
func keysOf(u user.Info) []string {
	keys := make([]string, 0, 1+len(u.GetGroups()))
	keys = append(keys, userKey(u.GetName()))
	for _, g := range u.GetGroups() {
		keys = append(keys, groupKey(g))
	}
	return keys
}
