package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"tiphys.dev/tiphys/pkg/registry/connect"
)

// ProxyREST hands HTTP requests on to a pod behind a service.
type ProxyREST struct {
	services  *genericregistry.Store
	client    kubernetes.Interface
	informers informers.SharedInformerFactory
	transport http.RoundTripper
}

var _ rest.Connecter = &ProxyREST{}

// New implements rest.Storage.
func (r *ProxyREST) New() runtime.Object { return &corev1.ServiceProxyOptions{} }

// Destroy implements rest.Storage.
func (r *ProxyREST) Destroy() {}

// NewConnectOptions implements rest.Connecter.
func (r *ProxyREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &corev1.ServiceProxyOptions{}, true, "path"
}

// ConnectMethods implements rest.Connecter.
func (r *ProxyREST) ConnectMethods() []string { return connect.ProxyMethods }

// Connect implements rest.Connecter. The name may carry scheme and port (a number or a name), as "https:name:web".
func (r *ProxyREST) Connect(ctx context.Context, id string, opts runtime.Object, responder rest.Responder) (http.Handler, error) {
	o, ok := opts.(*corev1.ServiceProxyOptions)
	if !ok {
		return nil, fmt.Errorf("invalid options object: %#v", opts)
	}
	scheme, name, port, valid := utilnet.SplitSchemeNamePort(id)
	if !valid {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("invalid service request %q", id))
	}
	obj, err := r.services.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	svc := obj.(*corev1.Service)
	portName, err := nameOfPort(svc, port)
	if err != nil {
		return nil, err
	}
	host, err := r.endpoint(ctx, svc, portName)
	if err != nil {
		return nil, err
	}
	location := &url.URL{Scheme: scheme, Host: host}
	location.Path = utilnet.JoinPreservingTrailingSlash(location.Path, o.Path)
	return connect.Proxy(location, r.transport, true, responder), nil
}

// nameOfPort finds the service port that the request means; endpoints know it by name.
func nameOfPort(svc *corev1.Service, port string) (string, error) {
	if port == "" {
		return "", nil // only an unnamed port can be meant
	}
	for _, p := range svc.Spec.Ports {
		if p.Name == port {
			return p.Name, nil
		}
	}
	if n, err := strconv.Atoi(port); err == nil {
		for _, p := range svc.Spec.Ports {
			if int(p.Port) == n {
				return p.Name, nil
			}
		}
	}
	return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no service port %q found for service %q", port, svc.Name))
}

// endpoint picks a ready endpoint by chance.
func (r *ProxyREST) endpoint(ctx context.Context, svc *corev1.Service, port string) (string, error) {
	slices, err := r.informers.Discovery().V1().EndpointSlices().Lister().EndpointSlices(svc.Namespace).List(
		labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: svc.Name}))
	if err != nil {
		return "", err
	}
	if len(slices) == 0 {
		// The cache may be behind a service that is a moment old.
		list, err := r.client.DiscoveryV1().EndpointSlices(svc.Namespace).List(ctx, metav1.ListOptions{
			LabelSelector: labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: svc.Name}).String(),
		})
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			slices = append(slices, &list.Items[i])
		}
	}
	var hosts []string
	for _, s := range slices {
		for _, p := range s.Ports {
			if p.Port == nil || p.Name == nil || *p.Name != port {
				continue
			}
			for _, e := range s.Endpoints {
				if e.Conditions.Ready != nil && !*e.Conditions.Ready || len(e.Addresses) == 0 {
					continue
				}
				ip := net.ParseIP(e.Addresses[0])
				if ip == nil || !ip.IsGlobalUnicast() {
					continue
				}
				hosts = append(hosts, net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*p.Port))))
			}
		}
	}
	if len(hosts) == 0 {
		return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no endpoints available for service %q", svc.Name))
	}
	return hosts[rand.IntN(len(hosts))], nil
}
