package bootstrap

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
)

// stored are the roles and bindings there are. To compare the defaults with four lists takes a fraction of the time of a
// request for each of them, and at almost every start nothing is missing.
type stored struct{ objects map[string]runtime.Object }

func listRBAC(ctx context.Context, client kubernetes.Interface) (*stored, error) {
	s := &stored{objects: map[string]runtime.Object{}}
	rbac := client.RbacV1()
	clusterRoles, err := rbac.ClusterRoles().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing cluster roles: %w", err)
	}
	for i := range clusterRoles.Items {
		o := &clusterRoles.Items[i]
		s.objects["clusterroles//"+o.Name] = o
	}
	clusterBindings, err := rbac.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing cluster role bindings: %w", err)
	}
	for i := range clusterBindings.Items {
		o := &clusterBindings.Items[i]
		s.objects["clusterrolebindings//"+o.Name] = o
	}
	roles, err := rbac.Roles("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing roles: %w", err)
	}
	for i := range roles.Items {
		o := &roles.Items[i]
		s.objects["roles/"+o.Namespace+"/"+o.Name] = o
	}
	bindings, err := rbac.RoleBindings("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing role bindings: %w", err)
	}
	for i := range bindings.Items {
		o := &bindings.Items[i]
		s.objects["rolebindings/"+o.Namespace+"/"+o.Name] = o
	}
	return s, nil
}

func (s *stored) roles() reconciliation.RuleOwnerModifier      { return storedRoles{s: s} }
func (s *stored) bindings() reconciliation.RoleBindingModifier { return storedBindings{s: s} }

func (s *stored) get(global, local, namespace, name string) (runtime.Object, error) {
	resource := global
	if namespace != "" {
		resource = local
	}
	if o, ok := s.objects[resource+"/"+namespace+"/"+name]; ok {
		return o, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: rbacv1.GroupName, Resource: resource}, name)
}

// storedRoles and storedBindings can be read only: the reconciliation is told not to write.
type storedRoles struct {
	reconciliation.RuleOwnerModifier
	s *stored
}

func (r storedRoles) Get(namespace, name string) (reconciliation.RuleOwner, error) {
	o, err := r.s.get("clusterroles", "roles", namespace, name)
	if err != nil {
		return nil, err
	}
	if role, ok := o.(*rbacv1.Role); ok {
		return reconciliation.RoleRuleOwner{Role: role}, nil
	}
	return reconciliation.ClusterRoleRuleOwner{ClusterRole: o.(*rbacv1.ClusterRole)}, nil
}

type storedBindings struct {
	reconciliation.RoleBindingModifier
	s *stored
}

func (b storedBindings) Get(namespace, name string) (reconciliation.RoleBinding, error) {
	o, err := b.s.get("clusterrolebindings", "rolebindings", namespace, name)
	if err != nil {
		return nil, err
	}
	if binding, ok := o.(*rbacv1.RoleBinding); ok {
		return reconciliation.RoleBindingAdapter{RoleBinding: binding}, nil
	}
	return reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: o.(*rbacv1.ClusterRoleBinding)}, nil
}
