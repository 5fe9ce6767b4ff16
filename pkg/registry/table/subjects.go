package table

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Binding are the columns of role bindings of a kind, given the name of the kind and what its roleRef is. The texts
// about roleRef are those of the beta version, as upstream has them.
func Binding(kind, roleRef string) []Column {
	return []Column{
		Name, Text("Role", roleRef), Age,
		Wide(Text("Users", "Users in the "+kind)),
		Wide(Text("Groups", "Groups in the "+kind)),
		Wide(Text("ServiceAccounts", "ServiceAccounts in the "+kind)),
	}
}

// Subjects sorts the subjects of a binding by kind, as the Binding columns show them.
func Subjects(subjects []rbacv1.Subject) (users, groups, accounts string) {
	var u, g, a []string
	for _, s := range subjects {
		switch s.Kind {
		case rbacv1.UserKind:
			u = append(u, s.Name)
		case rbacv1.GroupKind:
			g = append(g, s.Name)
		case rbacv1.ServiceAccountKind:
			a = append(a, s.Namespace+"/"+s.Name)
		}
	}
	return strings.Join(u, ", "), strings.Join(g, ", "), strings.Join(a, ", ")
}
