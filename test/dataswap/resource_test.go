package dataswap

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// resource is one that is stored, as one version of its group serves it.
type resource struct {
	groupVersion, name, kind string
	namespaced               bool
}

// collection is the URL of all objects, or of those of a namespace.
func (r resource) collection(namespace string) string {
	p := "/apis/" + r.groupVersion
	if r.groupVersion == "v1" {
		p = "/api/v1"
	}
	if r.namespaced && namespace != "" {
		p += "/namespaces/" + namespace
	}
	return p + "/" + r.name
}

func (r resource) title() string { return r.groupVersion + " " + r.name }

// resources lists what the server stores: what can be made and listed.
func (s *server) resources() []resource {
	s.Helper()
	var groups metav1.APIGroupList
	s.decode(s.get("/apis"), &groups)
	versions := []string{"/api/v1"}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			versions = append(versions, "/apis/"+v.GroupVersion)
		}
	}
	var out []resource
	for _, path := range versions {
		var list metav1.APIResourceList
		body, err := s.client.Get().RequestURI(path).DoRaw(s.Context())
		if err != nil {
			continue // an APIService whose server does not exist
		}
		s.decode(body, &list)
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") && slices.Contains(r.Verbs, "create") && slices.Contains(r.Verbs, "list") {
				out = append(out, resource{list.GroupVersion, r.Name, r.Kind, r.Namespaced})
			}
		}
	}
	return out
}

// object is one of a list, as its bytes.
type object struct {
	json            []byte
	namespace, name string
}

func (o object) path(r resource) string { return r.collection(o.namespace) + "/" + o.name }

// list gives all objects of a resource, and the version of the whole.
func (s *server) list(r resource) ([]object, string) {
	s.Helper()
	var list struct {
		Metadata metav1.ListMeta
		Items    []json.RawMessage
	}
	s.decode(s.get(r.collection("")), &list)
	var out []object
	for _, item := range list.Items {
		var meta metav1.PartialObjectMetadata
		s.decode(item, &meta)
		out = append(out, object{item, meta.Namespace, meta.Name})
	}
	return out, list.Metadata.ResourceVersion
}

// everything lists all objects of all resources by path.
func (s *server) everything() map[string]string {
	s.Helper()
	out := map[string]string{}
	for _, r := range s.resources() {
		objects, _ := s.list(r)
		for _, o := range objects {
			out[o.path(r)] = string(o.json)
		}
	}
	return out
}

func (s *server) decode(data []byte, into any) {
	s.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		s.Fatalf("%v: %.200s", err, data)
	}
}
