package addons

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"text/template"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// Config fills in the manifests.
type Config struct {
	// DNS is the address of the DNS service, Domain the cluster's DNS suffix.
	DNS, Domain string
	// Image of CoreDNS.
	Image string
}

// CoreDNSImage is the image that is built beside this program.
const CoreDNSImage = "registry.k8s.io/coredns/coredns:v1.14.7"

//go:embed manifests/*.yaml
var manifests embed.FS

// resources are the kinds the manifests use, with whether they live in a namespace.
var resources = map[schema.GroupKind]schema.GroupVersionResource{
	{Kind: "ServiceAccount"}: {Version: "v1", Resource: "serviceaccounts"},
	{Kind: "ConfigMap"}:      {Version: "v1", Resource: "configmaps"},
	{Kind: "Service"}:        {Version: "v1", Resource: "services"},
	{Group: "apps", Kind: "Deployment"}: {
		Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}: {
		Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: {
		Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
}

// Objects renders the manifests.
func Objects(cfg Config) ([]*unstructured.Unstructured, error) {
	parsed, err := template.New("").Option("missingkey=error").ParseFS(manifests, "manifests/*.yaml")
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, t := range parsed.Templates() {
		if t.Tree == nil {
			continue
		}
		var text bytes.Buffer
		if err := t.Execute(&text, cfg); err != nil {
			return nil, fmt.Errorf("add-on %s: %w", t.Name(), err)
		}
		decoder := yaml.NewYAMLOrJSONDecoder(&text, 4096)
		for {
			object := &unstructured.Unstructured{}
			err := decoder.Decode(object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("add-on %s: %w", t.Name(), err)
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// Apply creates what is absent.
func Apply(ctx context.Context, client dynamic.Interface, cfg Config) error {
	objects, err := Objects(cfg)
	if err != nil {
		return err
	}
	for _, object := range objects {
		gvr, known := resources[object.GroupVersionKind().GroupKind()]
		if !known {
			return fmt.Errorf("add-on object of unknown kind %s", object.GroupVersionKind())
		}
		var target dynamic.ResourceInterface = client.Resource(gvr)
		if ns := object.GetNamespace(); ns != "" {
			target = client.Resource(gvr).Namespace(ns)
		}
		_, err := target.Create(ctx, object, metav1.CreateOptions{FieldManager: "tiphys"})
		if err != nil && !apierrors.IsAlreadyExists(err) && !addressTaken(ctx, target, object, err) {
			return fmt.Errorf("creating add-on %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// addressTaken tells whether a Service was refused only because it exists already: its address is
// checked before its name.
func addressTaken(ctx context.Context, target dynamic.ResourceInterface, object *unstructured.Unstructured, err error) bool {
	if object.GetKind() != "Service" || !apierrors.IsInvalid(err) {
		return false
	}
	_, err = target.Get(ctx, object.GetName(), metav1.GetOptions{})
	return err == nil
}
