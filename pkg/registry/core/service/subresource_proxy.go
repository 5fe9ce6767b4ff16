package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes"

	"tiphys.dev/tiphys/pkg/registry/connect"
)

// ProxyREST hands HTTP requests on to a pod behind a service.
type ProxyREST struct {
	services  *genericregistry.Store
	client    kubernetes.Interface
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
	host, err := r.endpoint(ctx, svc, id, portName)
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
		return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no service port %d found for service %q", n, svc.Name))
	}
	return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no service port %q found for service %q", port, svc.Name))
}

// endpoint picks a ready endpoint by chance. It must be the address of a pod of the service's namespace: who may write endpoints
// does not get the API server to call any address by that.
func (r *ProxyREST) endpoint(ctx context.Context, svc *corev1.Service, id, port string) (string, error) {
	endpoints, err := r.client.CoreV1().Endpoints(svc.Namespace).Get(ctx, svc.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, svc.Name)
	}
	if err != nil {
		return "", err
	}
	if len(endpoints.Subsets) == 0 {
		return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no endpoints available for service %q", svc.Name))
	}
	places := placesOf(endpoints, port)
	rand.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	for _, p := range places {
		pod, err := r.client.CoreV1().Pods(svc.Namespace).Get(ctx, p.pod, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		if hasAddress(pod, p.ip) {
			return net.JoinHostPort(p.ip, strconv.Itoa(int(p.port))), nil
		}
	}
	return "", apierrors.NewServiceUnavailable(fmt.Sprintf("no endpoints available for service %q", id))
}

// place is where a port of a service is served.
type place struct {
	ip, pod string
	port    int32
}

// placesOf lists the ready addresses behind a port that say which pod of their own namespace they are of.
func placesOf(e *corev1.Endpoints, port string) []place {
	var out []place
	for _, subset := range e.Subsets {
		for _, p := range subset.Ports {
			if p.Name != port {
				continue
			}
			for _, a := range subset.Addresses {
				if t := a.TargetRef; t != nil && t.Name != "" && t.Namespace == e.Namespace {
					out = append(out, place{ip: a.IP, pod: t.Name, port: p.Port})
				}
			}
		}
	}
	return out
}

func hasAddress(pod *corev1.Pod, ip string) bool {
	return slices.ContainsFunc(pod.Status.PodIPs, func(p corev1.PodIP) bool { return p.IP == ip })
}
