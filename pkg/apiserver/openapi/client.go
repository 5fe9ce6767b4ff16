package openapi

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/openapi"
)

// Sparing is client with another way to the list of documents. The admission of mutating policies asks for it every five
// seconds, all day, and with it for a hash of every document, whether there is a policy or not. As long as wanted says that
// there is none, the list is made from served, and a document is looked for when its content is read.
func Sparing(client kubernetes.Interface, wanted func() bool, served func() []schema.GroupVersion) kubernetes.Interface {
	return sparingClient{Interface: client, list: &sparingList{inner: client.Discovery().OpenAPIV3(), wanted: wanted, served: served}}
}

type sparingClient struct {
	kubernetes.Interface
	list *sparingList
}

func (c sparingClient) Discovery() discovery.DiscoveryInterface {
	return sparingDiscovery{DiscoveryInterface: c.Interface.Discovery(), list: c.list}
}

type sparingDiscovery struct {
	discovery.DiscoveryInterface
	list *sparingList
}

func (d sparingDiscovery) OpenAPIV3() openapi.Client { return d.list }

type sparingList struct {
	inner  openapi.Client
	wanted func() bool
	served func() []schema.GroupVersion
}

// Paths implements openapi.Client.
func (l *sparingList) Paths() (map[string]openapi.GroupVersion, error) {
	if l.wanted() {
		return l.inner.Paths()
	}
	out := map[string]openapi.GroupVersion{}
	for _, gv := range l.served() {
		path := "apis/" + gv.String()
		if gv.Group == "" {
			path = "api/" + gv.Version
		}
		out[path] = unread{path: path, list: l}
	}
	return out, nil
}

// unread is a document that is looked for when it is read.
type unread struct {
	path string
	list *sparingList
}

// Schema implements openapi.GroupVersion.
func (u unread) Schema(contentType string) ([]byte, error) {
	paths, err := u.list.inner.Paths()
	if err != nil {
		return nil, err
	}
	document, ok := paths[u.path]
	if !ok {
		return nil, fmt.Errorf("no OpenAPI document for %s", u.path)
	}
	return document.Schema(contentType)
}

// ServerRelativeURL has no hash: it differs from that of every known version of the document, so nobody takes the two for the same.
func (u unread) ServerRelativeURL() string { return v3Path + "/" + u.path }
