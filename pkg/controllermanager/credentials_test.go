package controllermanager

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/cluster-bootstrap/token/jws"
)

func testServiceAccountToken(c *cluster) {
	ns := c.namespace("tokens")
	_, err := c.admin.CoreV1().ServiceAccounts(ns).Create(c.Context(), &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{})
	c.must(err)
	secret := func(name, account string) {
		_, err := c.admin.CoreV1().Secrets(ns).Create(c.Context(), &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{v1.ServiceAccountNameKey: account}},
			Type: v1.SecretTypeServiceAccountToken}, metav1.CreateOptions{})
		c.must(err)
	}
	gone := func(name string) {
		c.Helper()
		c.eventually(name+" gone", func() string {
			_, err := c.admin.CoreV1().Secrets(ns).Get(c.Context(), name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return ""
			}
			return "there " + text(err)
		})
	}
	secret("robot-token", "robot")
	var token string
	c.eventually("token", func() string {
		s, err := c.admin.CoreV1().Secrets(ns).Get(c.Context(), "robot-token", metav1.GetOptions{})
		c.must(err)
		token = string(s.Data[v1.ServiceAccountTokenKey])
		if token == "" || len(s.Data[v1.ServiceAccountRootCAKey]) == 0 || string(s.Data[v1.ServiceAccountNamespaceKey]) != ns || s.Annotations[v1.ServiceAccountUIDKey] == "" {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	// The API server believes it.
	as := rest.AnonymousClientConfig(c.config)
	as.BearerToken = token
	robot, err := kubernetes.NewForConfig(as)
	c.must(err)
	c.eventually("the token's owner is known, and forbidden to list secrets", func() string {
		if _, err := robot.CoreV1().Secrets(ns).List(c.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
			return fmt.Sprint(err)
		}
		return ""
	})
	secret("nobodys", "nobody")
	gone("nobodys")
	c.must(c.admin.CoreV1().ServiceAccounts(ns).Delete(c.Context(), "robot", metav1.DeleteOptions{}))
	gone("robot-token")
}

func testKubeletCertificates(c *cluster) {
	_, err := c.admin.RbacV1().ClusterRoleBindings().Create(c.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "join"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "joiner"}}}, metav1.CreateOptions{})
	c.must(err)
	_, err = c.admin.RbacV1().ClusterRoleBindings().Create(c.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "bootstrap"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:node-bootstrapper"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "test-bootstrappers"}}}, metav1.CreateOptions{})
	c.must(err)
	as := func(user string, groups ...string) kubernetes.Interface {
		cfg := rest.CopyConfig(c.config)
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "test-bootstrappers")}
		client, err := kubernetes.NewForConfig(cfg)
		c.must(err)
		return client
	}
	request := func(client kubernetes.Interface, name, signer string, dns []string, seconds int32, usages ...certificatesv1.KeyUsage) {
		c.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		c.must(err)
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: dns,
			Subject: pkix.Name{CommonName: "system:node:n1", Organization: []string{"system:nodes"}}}, key)
		c.must(err)
		// The rights of a new binding hold when the API server has seen it.
		c.eventually(name+" requested", func() string {
			_, err := client.CertificatesV1().CertificateSigningRequests().Create(c.Context(), &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: certificatesv1.CertificateSigningRequestSpec{SignerName: signer, ExpirationSeconds: &seconds, Usages: usages,
					Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})}}, metav1.CreateOptions{})
			if apierrors.IsForbidden(err) {
				return err.Error()
			}
			c.must(err)
			return ""
		})
	}
	get := func(name string) *certificatesv1.CertificateSigningRequest {
		r, err := c.admin.CertificatesV1().CertificateSigningRequests().Get(c.Context(), name, metav1.GetOptions{})
		c.must(err)
		return r
	}
	issued := func(name string) *x509.Certificate {
		c.Helper()
		var r *certificatesv1.CertificateSigningRequest
		c.eventually(name+" issued", func() string {
			if r = get(name); len(r.Status.Certificate) == 0 {
				return fmt.Sprintf("%+v", r.Status.Conditions)
			}
			return ""
		})
		all, err := cert.ParseCertsPEM(r.Status.Certificate)
		c.must(err)
		return all[0]
	}
	client := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}
	request(as("joiner"), "client", certificatesv1.KubeAPIServerClientKubeletSignerName, nil, 3600, client...)
	crt := issued("client")
	if crt.Subject.CommonName != "system:node:n1" || crt.IsCA || len(crt.ExtKeyUsage) != 1 || crt.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		c.Errorf("client certificate: %+v", crt.Subject)
	}
	if left := time.Until(crt.NotAfter); left > time.Hour || left < 50*time.Minute {
		c.Errorf("client certificate lives %s, want an hour", left)
	}
	// Who may only create requests is not approved.
	request(as("stranger"), "stranger", certificatesv1.KubeAPIServerClientKubeletSignerName, nil, 3600, client...)
	server := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	request(as("system:node:n1", "system:nodes"), "serving", certificatesv1.KubeletServingSignerName, []string{"n1"}, 3600, server...)
	approve := func(name string) {
		r := get(name)
		r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateApproved, Status: v1.ConditionTrue, Reason: "Test"})
		_, err := c.admin.CertificatesV1().CertificateSigningRequests().UpdateApproval(c.Context(), name, r, metav1.UpdateOptions{})
		c.must(err)
	}
	approve("serving")
	if crt := issued("serving"); len(crt.DNSNames) != 1 || crt.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		c.Errorf("serving certificate: %v", crt.DNSNames)
	}
	// A serving certificate without an address is not allowed by its signer.
	request(as("system:node:n1", "system:nodes"), "nameless", certificatesv1.KubeletServingSignerName, nil, 3600, server...)
	approve("nameless")
	c.eventually("nameless fails", func() string {
		for _, cond := range get("nameless").Status.Conditions {
			if cond.Type == certificatesv1.CertificateFailed && cond.Reason == "SignerValidationFailure" {
				return ""
			}
		}
		return "no condition"
	})
	if r := get("stranger"); len(r.Status.Conditions) > 0 {
		c.Errorf("stranger: %+v", r.Status.Conditions)
	}
}

func testBootstrapTokens(c *cluster) {
	_, err := c.admin.CoreV1().ConfigMaps("kube-public").Create(c.Context(), &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cluster-info"},
		Data: map[string]string{"kubeconfig": "the configuration"}}, metav1.CreateOptions{})
	c.must(err)
	token := func(id string, expires time.Time) {
		_, err := c.admin.CoreV1().Secrets("kube-system").Create(c.Context(), &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id}, Type: "bootstrap.kubernetes.io/token",
			StringData: map[string]string{"token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", "expiration": expires.UTC().Format(time.RFC3339)}}, metav1.CreateOptions{})
		c.must(err)
	}
	token("aaaaaa", time.Now().Add(time.Hour))
	token("bbbbbb", time.Now().Add(3*time.Second))
	signature := func(id string) string {
		m, err := c.admin.CoreV1().ConfigMaps("kube-public").Get(c.Context(), "cluster-info", metav1.GetOptions{})
		c.must(err)
		return m.Data["jws-kubeconfig-"+id]
	}
	c.eventually("signatures", func() string {
		if a := signature("aaaaaa"); !jws.DetachedTokenIsValid(a, "the configuration", "aaaaaa", "0123456789abcdef") {
			return "not valid: " + a
		}
		return ""
	})
	c.eventually("expiry", func() string {
		if _, err := c.admin.CoreV1().Secrets("kube-system").Get(c.Context(), "bootstrap-token-bbbbbb", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return "the expired token is there"
		}
		if signature("bbbbbb") != "" {
			return "its signature is there"
		}
		return ""
	})
	if signature("aaaaaa") == "" {
		c.Error("the other signature is gone")
	}
}

func testServiceRange(c *cluster) {
	ranges := c.admin.NetworkingV1().ServiceCIDRs()
	_, err := ranges.Create(c.Context(), &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "more"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.222.0.0/24"}}}, metav1.CreateOptions{})
	c.must(err)
	ready := func(want metav1.ConditionStatus) {
		c.Helper()
		c.eventually("ready "+string(want), func() string {
			r, err := ranges.Get(c.Context(), "more", metav1.GetOptions{})
			c.must(err)
			for _, cond := range r.Status.Conditions {
				if cond.Type == networkingv1.ServiceCIDRConditionReady && cond.Status == want && len(r.Finalizers) == 1 {
					return ""
				}
			}
			return fmt.Sprintf("%v %+v", r.Finalizers, r.Status)
		})
	}
	ready(metav1.ConditionTrue)
	ns := c.namespace("range")
	c.eventually("address in the new range", func() string {
		_, err := c.admin.CoreV1().Services(ns).Create(c.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"},
			Spec: v1.ServiceSpec{ClusterIP: "10.222.0.7", Ports: []v1.ServicePort{{Port: 1}}}}, metav1.CreateOptions{})
		return text(err)
	})
	c.must(ranges.Delete(c.Context(), "more", metav1.DeleteOptions{}))
	ready(metav1.ConditionFalse)
	c.must(c.admin.CoreV1().Services(ns).Delete(c.Context(), "s", metav1.DeleteOptions{}))
	c.eventually("range gone", func() string {
		_, err := ranges.Get(c.Context(), "more", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "there " + text(err)
	})
}
