package clusterrole

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	"k8s.io/client-go/kubernetes"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Roles   rbacinformers.ClusterRoleInformer
	Metrics workqueue.MetricsProvider
}

// Controller aggregates ClusterRoles.
type Controller struct {
	client kubernetes.Interface
	roles  rbaclisters.ClusterRoleLister
	queue  *worker.Queue[string]
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Roles == nil {
		return nil, errors.New("clusterrole aggregation: Client and Roles are required")
	}
	c := &Controller{client: cfg.Client, roles: cfg.Roles.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[string]{Name: "ClusterRoleAggregator", Workers: 2, Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	// Any role may be part of any aggregate, by labels it has now or had before.
	all := func(*rbacv1.ClusterRole) { c.enqueueAggregates() }
	return c, worker.Watch(c.queue, cfg.Roles.Informer(), worker.Handler[*rbacv1.ClusterRole]{
		Add: all, Update: func(_, r *rbacv1.ClusterRole) { all(r) }, Delete: all,
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) enqueueAggregates() {
	roles, err := c.roles.List(labels.Everything())
	if err != nil {
		return
	}
	for _, r := range roles {
		if r.AggregationRule != nil {
			c.queue.Enqueue(r.Name)
		}
	}
}

// Sync computes the rules of one aggregate.
func (c *Controller) Sync(ctx context.Context, name string) error {
	role, err := c.roles.Get(name)
	if apierrors.IsNotFound(err) || err == nil && role.AggregationRule == nil {
		return nil
	}
	if err != nil {
		return err
	}
	rules, err := c.aggregate(role)
	if err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(rules, role.Rules) {
		return nil
	}
	updated := *role
	updated.Rules = rules
	if _, err := c.client.RbacV1().ClusterRoles().Update(ctx, &updated, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the aggregated rules: %w", err)
	}
	return nil
}

// aggregate joins the rules of the selected roles, by selector and then by name, each rule once.
func (c *Controller) aggregate(role *rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	rules := []rbacv1.PolicyRule{}
	for i := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return nil, fmt.Errorf("selector %d: %w", i, err)
		}
		parts, err := c.roles.List(selector)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(parts, func(a, b *rbacv1.ClusterRole) int { return cmp.Compare(a.Name, b.Name) })
		for _, part := range parts {
			if part.Name == role.Name {
				continue
			}
			for _, r := range part.Rules {
				if !slices.ContainsFunc(rules, func(have rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(have, r) }) {
					rules = append(rules, r)
				}
			}
		}
	}
	return rules, nil
}
