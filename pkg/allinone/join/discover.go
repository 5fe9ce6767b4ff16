package join

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/jws"

	"tiphys.dev/tiphys/pkg/allinone/jointoken"
)

// maxInfo is more than a cluster's information ever has; who answers is not known yet.
const maxInfo = 1 << 20

// maxSkew is how far clocks may differ: certificates are backdated by that much.
const maxSkew = 5 * time.Minute

// discover asks who answers at the server's address and returns the cluster's authority (PEM) if it
// is the one of the token. Nothing secret is said.
func discover(ctx context.Context, server string, token jointoken.Token, now func() time.Time) ([]byte, error) {
	// What is asked is public, and the answer is checked by the hash.
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
	}}
	url := server + "/api/v1/namespaces/" + metav1.NamespacePublic + "/configmaps/" + bootstrapapi.ConfigMapClusterInfo
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("--server %s: %w", server, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, explain(err, server, now())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxInfo))
	if err != nil {
		return nil, explain(err, server, now())
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("what answers at %s does not say which cluster it is (%s): is it the API server of a cluster made by tiphys or kubeadm, with anonymous requests allowed?", server, response.Status)
	}
	info := &v1.ConfigMap{}
	if err := json.Unmarshal(body, info); err != nil || info.Data == nil {
		return nil, fmt.Errorf("what answers at %s is no Kubernetes API server", server)
	}
	ca, err := examine(info, server, token)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		if err := compareClocks(date, now()); err != nil {
			return nil, err
		}
	}
	return ca, nil
}

// examine checks the information against the token.
func examine(info *v1.ConfigMap, server string, token jointoken.Token) ([]byte, error) {
	content := info.Data[bootstrapapi.KubeConfigKey]
	config, err := clientcmd.Load([]byte(content))
	if err != nil || config.Clusters[""] == nil {
		return nil, fmt.Errorf("the information about the cluster at %s is damaged: look at the ConfigMap %s/%s", server, info.Namespace, info.Name)
	}
	certificates, err := cert.ParseCertsPEM(config.Clusters[""].CertificateAuthorityData)
	if err != nil {
		return nil, fmt.Errorf("the information about the cluster at %s holds no certificate authority: %w", server, err)
	}
	// Only what the hash speaks for: others could have been added on the way.
	var ca []byte
	for _, c := range certificates {
		if jointoken.Hash(c) == token.CAHash {
			ca = append(ca, pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: c.Raw})...)
		}
	}
	if ca == nil {
		return nil, fmt.Errorf("the cluster at %s is not the one of the token: its authority is %s, the token's is %s; check the address, take a token of this cluster, and if both are right, somebody is listening in between", server, hashes(certificates), token.CAHash)
	}
	signature, signed := info.Data[bootstrapapi.JWSSignatureKeyPrefix+token.ID]
	if !signed {
		return nil, fmt.Errorf("the cluster at %s has no token %s: it has expired or was deleted; make another with `tiphys token create` on the server", server, token.ID)
	}
	if !jws.DetachedTokenIsValid(signature, content, token.ID, token.Secret) {
		return nil, fmt.Errorf("the secret of token %s is wrong: copy the whole token as `tiphys token create` printed it", token.ID)
	}
	return ca, nil
}

func hashes(certificates []*x509.Certificate) string {
	text := ""
	for i, c := range certificates {
		if i > 0 {
			text += ", "
		}
		text += jointoken.Hash(c)
	}
	return text
}

// compareClocks tells of a clock that would make certificates look ended or not yet begun.
func compareClocks(server, ours time.Time) error {
	by := ours.Sub(server)
	if by.Abs() <= maxSkew {
		return nil
	}
	direction := "ahead of"
	if by < 0 {
		direction = "behind"
	}
	return fmt.Errorf("this machine's clock (%s) is %v %s the server's (%s): set it first, as certificates go by it",
		ours.UTC().Format(time.RFC3339), by.Abs().Round(time.Second), direction, server.UTC().Format(time.RFC3339))
}
