package apiserver

import (
	"encoding/json"
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/test/harness"
)

// TestAddressesThatMayNotChange: a service that keeps its addresses is refused another for that reason, and beside all else that is
// wrong with the change, not because the address cannot be had. What a type has no use for is dropped field by field.
func TestAddressesThatMayNotChange(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	services := c.Client().CoreV1().Services("default")
	for name, spec := range map[string]v1.ServiceSpec{
		"plain": {}, "headless": {ClusterIP: v1.ClusterIPNone, Selector: map[string]string{"a": "b"}}, "selectorless": {ClusterIP: v1.ClusterIPNone},
	} {
		spec.Ports = []v1.ServicePort{{Port: 80}}
		if _, err := services.Create(t.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// A headless service without a selector has both families, which no service with an address of this cluster can have.
	const both = "spec.ipFamilyPolicy spec.ipFamilies[1]"
	for _, tc := range []struct{ name, patch, want, selectorless string }{
		{"outside the range", `{"spec":{"clusterIP":"192.0.2.1"}}`, "spec.clusterIPs[0]", both},
		{"taken", `{"spec":{"clusterIP":"10.96.0.1"}}`, "spec.clusterIPs[0]", both},
		{"with another mistake", `{"spec":{"clusterIP":"192.0.2.1","sessionAffinity":"x"}}`, "spec.clusterIPs[0] spec.sessionAffinity", both},
		{"with a port outside the range", `{"spec":{"clusterIP":"192.0.2.1","type":"NodePort","ports":[{"port":80,"nodePort":99}]}}`, "spec.ports[0].nodePort", both},
		{"two families", `{"spec":{"clusterIP":"192.0.2.1","ipFamilies":["IPv4","IPv6"]}}`, "spec.ipFamilyPolicy", both},
		{"external name with an address", `{"spec":{"clusterIP":"192.0.2.1","type":"ExternalName","externalName":"a.b"}}`, "spec.clusterIPs", "spec.clusterIPs"},
		{"external name with families", `{"spec":{"ipFamilies":["IPv6"],"type":"ExternalName","externalName":"a.b"}}`, "spec.ipFamilies", "spec.ipFamilies"},
		{"external name with a policy", `{"spec":{"ipFamilyPolicy":"PreferDualStack","type":"ExternalName","externalName":"a.b"}}`, "spec.ipFamilyPolicy", "spec.ipFamilyPolicy"},
	} {
		for name, want := range map[string]string{"plain": tc.want, "headless": tc.want, "selectorless": tc.selectorless} {
			t.Run(tc.name+" "+name, func(t *testing.T) {
				_, err := services.Patch(t.Context(), name, types.StrategicMergePatchType, []byte(tc.patch), metav1.PatchOptions{})
				if got := causes(t, err); got != want {
					t.Errorf("refused for %q, want %q: %v", got, want, err)
				}
			})
		}
	}
}

// TestFamiliesOfOneStack: what a cluster of one family says to services that ask for the other, and what a headless service gets.
func TestFamiliesOfOneStack(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	services := c.Client().CoreV1().Services("default")
	single, require := v1.IPFamilyPolicySingleStack, v1.IPFamilyPolicyRequireDualStack
	four, six := v1.IPv4Protocol, v1.IPv6Protocol
	ips := []string{"10.96.0.9", "fd00::1"}
	for _, tc := range []struct {
		name, want string
		spec       v1.ServiceSpec
	}{
		{"two families", "spec.ipFamilyPolicy", v1.ServiceSpec{IPFamilies: []v1.IPFamily{four, six}}},
		{"two addresses", "spec.ipFamilyPolicy spec.clusterIPs[1]", v1.ServiceSpec{ClusterIP: ips[0], ClusterIPs: ips}},
		{"two of both", "spec.ipFamilyPolicy spec.ipFamilyPolicy", v1.ServiceSpec{ClusterIP: ips[0], ClusterIPs: ips, IPFamilies: []v1.IPFamily{four, six}, IPFamilyPolicy: &single}},
		{"both of the other", "spec.ipFamilyPolicy spec.ipFamilies[0]", v1.ServiceSpec{IPFamilies: []v1.IPFamily{six}, IPFamilyPolicy: &require}},
		{"address of the other", "spec.clusterIPs[0]", v1.ServiceSpec{ClusterIP: ips[1], IPFamilyPolicy: &require}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.Ports = []v1.ServicePort{{Port: 80}}
			_, err := services.Create(t.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "s-"}, Spec: tc.spec}, metav1.CreateOptions{})
			if got := causes(t, err); got != tc.want {
				t.Errorf("refused for %q, want %q: %v", got, tc.want, err)
			}
		})
	}
	s := &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "six"}, Spec: v1.ServiceSpec{ClusterIP: v1.ClusterIPNone, IPFamilies: []v1.IPFamily{six}}}
	s, err := services.Create(t.Context(), s, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %s", *s.Spec.IPFamilyPolicy, s.Spec.IPFamilies); got != "RequireDualStack [IPv6 IPv4]" {
		t.Errorf("headless service of the other family has %s", got)
	}
	_, err = services.Patch(t.Context(), "six", types.StrategicMergePatchType, []byte(`{"spec":{"ipFamilies":["IPv4"]}}`), metav1.PatchOptions{})
	if got := causes(t, err); got != "spec.ipFamilyPolicy" {
		t.Errorf("a family less is refused for %q: %v", got, err)
	}
	local := v1.ServiceInternalTrafficPolicyLocal
	s = &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "name"}, Spec: v1.ServiceSpec{Type: v1.ServiceTypeExternalName, ExternalName: "a.b", InternalTrafficPolicy: &local}}
	if s, err = services.Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if s.Spec.InternalTrafficPolicy != nil {
		t.Errorf("a mere name has a traffic policy: %s", *s.Spec.InternalTrafficPolicy)
	}
}

// causes are the fields that an error names.
func causes(t *testing.T, err error) string {
	t.Helper()
	if !apierrors.IsInvalid(err) {
		t.Fatalf("error %v, want one about fields", err)
	}
	var fields string
	for _, cause := range err.(apierrors.APIStatus).Status().Details.Causes {
		if fields != "" {
			fields += " "
		}
		fields += cause.Field
	}
	return fields
}

// TestBindingOfAMissingRole names the role that is missing, so that whoever applies both knows which must come first.
func TestBindingOfAMissingRole(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	cfg := rest.CopyConfig(c.RESTConfig())
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "al"}
	al := kubernetes.NewForConfigOrDie(cfg)
	rule := rbacv1.PolicyRule{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"rolebindings", "clusterrolebindings"}, Verbs: []string{"create"}}
	roles := c.Client().RbacV1()
	if _, err := roles.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "binder"}, Rules: []rbacv1.PolicyRule{rule}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	grant := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "binder"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "binder"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "al"}}}
	if _, err := roles.ClusterRoleBindings().Create(t.Context(), grant, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	missing := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: "role"}
	}
	meta := metav1.ObjectMeta{Name: "binding"}
	for _, tc := range []struct {
		name, kind string
		create     func() error
	}{
		{"role", "rolebindings", func() error {
			_, err := al.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: missing("Role")}, metav1.CreateOptions{})
			return err
		}},
		{"cluster role in a namespace", "rolebindings", func() error {
			_, err := al.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: missing("ClusterRole")}, metav1.CreateOptions{})
			return err
		}},
		{"cluster role", "clusterrolebindings", func() error {
			_, err := al.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: missing("ClusterRole")}, metav1.CreateOptions{})
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// The rights of the caller are seen a moment after they were given.
			err := tc.create()
			for apierrors.IsForbidden(err) && t.Context().Err() == nil {
				err = tc.create()
			}
			if !apierrors.IsNotFound(err) {
				t.Fatalf("error %v, want one of what is not found", err)
			}
			details, jsonErr := json.Marshal(err.(apierrors.APIStatus).Status().Details)
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			want := fmt.Sprintf(`{"name":"role","group":%q,"kind":%q}`, rbacv1.GroupName, tc.kind)
			if string(details) != want {
				t.Errorf("details %s, want %s", details, want)
			}
		})
	}
}
