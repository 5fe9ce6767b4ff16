package bootstrap

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/retry"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	"k8s.io/klog/v2"
)

//go:embed rbac.yaml
var rbacObjects []byte

// RBAC creates the default roles and bindings, and adds what is missing to those that exist and are not exempt from it
// (rbac.authorization.kubernetes.io/autoupdate: "false"). It tries until it succeeds or ctx ends.
func RBAC(ctx context.Context, client kubernetes.Interface) error {
	objects, err := DefaultRBAC()
	if err != nil {
		return err
	}
	done := 0
	var have *stored
	err = retryUntil(ctx, func() (err error) {
		if have == nil {
			if have, err = listRBAC(ctx, client); err != nil {
				return err
			}
		}
		for done < len(objects) {
			if err := reconcileRBAC(client, have, objects[done]); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the default roles and bindings: %w", err)
	}
	return nil
}

// DefaultRBAC returns the default roles and bindings.
func DefaultRBAC() ([]runtime.Object, error) {
	var out []runtime.Object
	docs := yaml.NewYAMLReader(newLineReader(rbacObjects))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the default roles: %w", err)
		}
		if len(bytes.TrimSpace(dropComments(doc))) == 0 {
			continue
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(doc, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("decoding a default role: %w", err)
		}
		out = append(out, obj)
	}
}

// reconcileRBAC writes one object unless what was listed already has all it should have.
func reconcileRBAC(client kubernetes.Interface, have *stored, obj runtime.Object) error {
	if done, err := reconcileOnce(have.roles(), have.bindings(), obj, false); err != nil || done {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var roles reconciliation.RuleOwnerModifier
		var bindings reconciliation.RoleBindingModifier
		switch obj.(type) {
		case *rbacv1.ClusterRole:
			roles = reconciliation.ClusterRoleModifier{Client: client.RbacV1().ClusterRoles()}
		case *rbacv1.Role:
			roles = reconciliation.RoleModifier{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()}
		case *rbacv1.ClusterRoleBinding:
			bindings = reconciliation.ClusterRoleBindingClientAdapter{Client: client.RbacV1().ClusterRoleBindings()}
		case *rbacv1.RoleBinding:
			bindings = reconciliation.RoleBindingClientAdapter{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()}
		}
		_, err := reconcileOnce(roles, bindings, obj, true)
		return err
	})
}

// reconcileOnce tells whether there was nothing to do; what there is it does when write is set.
func reconcileOnce(roles reconciliation.RuleOwnerModifier, bindings reconciliation.RoleBindingModifier, obj runtime.Object, write bool) (bool, error) {
	var role reconciliation.RuleOwner
	var binding reconciliation.RoleBinding
	switch o := obj.(type) {
	case *rbacv1.ClusterRole:
		role = reconciliation.ClusterRoleRuleOwner{ClusterRole: o.DeepCopy()}
	case *rbacv1.Role:
		role = reconciliation.RoleRuleOwner{Role: o.DeepCopy()}
	case *rbacv1.ClusterRoleBinding:
		binding = reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: o.DeepCopy()}
	case *rbacv1.RoleBinding:
		binding = reconciliation.RoleBindingAdapter{RoleBinding: o.DeepCopy()}
	default:
		return false, fmt.Errorf("unexpected type %T among the default roles", obj)
	}
	if role != nil {
		r := reconciliation.ReconcileRoleOptions{Role: role, Confirm: write, Client: roles}
		result, err := r.Run()
		return err == nil && (result.Protected || result.Operation == reconciliation.ReconcileNone), err
	}
	r := reconciliation.ReconcileRoleBindingOptions{RoleBinding: binding, Confirm: write, Client: bindings}
	result, err := r.Run()
	return err == nil && (result.Protected || result.Operation == reconciliation.ReconcileNone), err
}

// retryUntil calls f until it succeeds; a starting server refuses requests for a while, and another one may be writing the
// same objects.
func retryUntil(ctx context.Context, f func() error) error {
	// As a delay the backoff stays at its cap; as a loop it would end there, and with it the server that is slow to start.
	delay := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Cap: time.Second, Steps: 1000}.DelayFunc()
	return delay.Until(ctx, true, true, func(context.Context) (bool, error) {
		err := f()
		if err != nil && !apierrors.IsConflict(err) {
			klog.V(2).InfoS("Writing a default object failed, trying again", "err", err)
		}
		return err == nil, nil
	})
}
