package controllermanager

import (
	"context"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
)

// scaler reads and writes scale subresources of any kind.
type scaler struct {
	mapper *restmapper.DeferredDiscoveryRESTMapper
	scales scale.ScalesGetter
}

func (d *deps) scaler() (*scaler, error) {
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(disco)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	scales, err := scale.NewForConfig(unlimited(d.rest), mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(disco))
	if err != nil {
		return nil, fmt.Errorf("client for scale subresources: %w", err)
	}
	return &scaler{mapper: mapper, scales: scales}, nil
}

// replicas returns the wanted replicas of an owner; false when its kind has no scale subresource.
func (s *scaler) replicas(ctx context.Context, namespace string, ref metav1.OwnerReference) (int32, bool, error) {
	gr, err := s.resource(ref.APIVersion, ref.Kind)
	if meta.IsNoMatchError(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("finding the resource of %s: %w", ref.Kind, err)
	}
	sc, err := s.scales.Scales(namespace).Get(ctx, gr, ref.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("reading the scale of %s %s: %w", ref.Kind, ref.Name, err)
	}
	if sc.UID != ref.UID {
		return 0, false, nil
	}
	return sc.Spec.Replicas, true, nil
}

func (s *scaler) resource(apiVersion, kind string) (schema.GroupResource, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupResource{}, err
	}
	mapping, err := s.mapper.RESTMapping(gv.WithKind(kind).GroupKind(), gv.Version)
	if meta.IsNoMatchError(err) {
		s.mapper.Reset() // perhaps a kind that is new since the last discovery
		mapping, err = s.mapper.RESTMapping(gv.WithKind(kind).GroupKind(), gv.Version)
	}
	if err != nil {
		return schema.GroupResource{}, err
	}
	return mapping.Resource.GroupResource(), nil
}

// Get reads a scale for the autoscaler.
func (s *scaler) Get(ctx context.Context, namespace, apiVersion, kind, name string) (*autoscalingv1.Scale, schema.GroupResource, error) {
	gr, err := s.resource(apiVersion, kind)
	if err != nil {
		return nil, gr, err
	}
	sc, err := s.scales.Scales(namespace).Get(ctx, gr, name, metav1.GetOptions{})
	return sc, gr, err
}

// Update writes it.
func (s *scaler) Update(ctx context.Context, resource schema.GroupResource, sc *autoscalingv1.Scale) error {
	_, err := s.scales.Scales(sc.Namespace).Update(ctx, resource, sc, metav1.UpdateOptions{})
	return err
}
