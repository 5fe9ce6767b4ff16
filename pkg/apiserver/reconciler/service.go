package reconciler

import (
	"context"
	"fmt"
	"net"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// ensureService makes the Service, if it is not there.
func (r *Reconciler) ensureService(ctx context.Context) error {
	services := r.c.Client.CoreV1().Services(metav1.NamespaceDefault)
	port := v1.ServicePort{Name: "https", Protocol: v1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(int32(r.c.SecurePort))}
	kind := v1.ServiceTypeClusterIP
	if r.c.NodePort > 0 {
		kind, port.NodePort = v1.ServiceTypeNodePort, int32(r.c.NodePort)
	}
	_, err := services.Get(ctx, serviceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		first, err := ServiceIP(r.c.ServiceRanges[0])
		if err != nil {
			return err
		}
		ip := first.String()
		_, err = services.Create(ctx, &v1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: serviceName, Namespace: metav1.NamespaceDefault,
				Labels: map[string]string{"provider": "kubernetes", "component": "apiserver"},
			},
			Spec: v1.ServiceSpec{
				Ports: []v1.ServicePort{port}, ClusterIP: ip, Type: kind,
				SessionAffinity: v1.ServiceAffinityNone, IPFamilyPolicy: ptr.To(v1.IPFamilyPolicySingleStack),
			},
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	// One that is there is left as it is: servers with other ports would else change it to and fro.
	return err
}

// ServiceIP returns the address of the "kubernetes" Service: the first of the range after the network's own.
func ServiceIP(n net.IPNet) (net.IP, error) {
	if ones, bits := n.Mask.Size(); bits-ones < 1 {
		return nil, fmt.Errorf("service range %s is too small", n.String())
	}
	ip := slices.Clone(n.IP.Mask(n.Mask))
	for i := len(ip) - 1; i >= 0; i-- {
		ip[i]++
		if ip[i] != 0 {
			break
		}
	}
	return ip, nil
}
