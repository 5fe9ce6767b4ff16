package apiserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	externaljwt "k8s.io/externaljwt/apis/v1"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// signer is an external signer with one key.
type signer struct {
	externaljwt.UnimplementedExternalJWTSignerServer
	key *ecdsa.PrivateKey
}

func (s *signer) Metadata(context.Context, *externaljwt.MetadataRequest) (*externaljwt.MetadataResponse, error) {
	return &externaljwt.MetadataResponse{MaxTokenExpirationSeconds: 1800}, nil
}

func (s *signer) FetchKeys(context.Context, *externaljwt.FetchKeysRequest) (*externaljwt.FetchKeysResponse, error) {
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		return nil, err
	}
	return &externaljwt.FetchKeysResponse{Keys: []*externaljwt.Key{{KeyId: "outside", Key: der}}, DataTimestamp: timestamppb.Now(), RefreshHintSeconds: 60}, nil
}

func (s *signer) Sign(_ context.Context, r *externaljwt.SignJWTRequest) (*externaljwt.SignJWTResponse, error) {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"outside","typ":"JWT"}`))
	sum := sha256.Sum256([]byte(head + "." + r.GetClaims()))
	a, b, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	a.FillBytes(out[:32])
	b.FillBytes(out[32:])
	return &externaljwt.SignJWTResponse{Header: head, Signature: base64.RawURLEncoding.EncodeToString(out)}, nil
}

func startSigner(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "signer.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	externaljwt.RegisterExternalJWTSignerServer(s, &signer{key: key})
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return socket
}

const whoMayCome = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: true, conditions: [{path: /livez}]}
`

const whoMayDo = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers: [{type: Node, name: node}, {type: RBAC, name: rbac}]
`

// TestIdentity: a server whose service account tokens another process signs, and whose anonymous callers may see one path.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.ServiceAccountSigningKeyFile, c.Authentication.ServiceAccounts.KeyFiles = "", nil
		c.Authentication.ServiceAccounts.SigningEndpoint = startSigner(t)
		c.Authentication.ConfigFile = write(t, filepath.Join(dir, "authentication.yaml"), whoMayCome)
		c.Authorization.Modes, c.Authorization.ConfigFile = nil, write(t, filepath.Join(dir, "authorization.yaml"), whoMayDo)
	}})
	ctx := context.Background()
	accounts := c.Client().CoreV1().ServiceAccounts("default")
	if _, err := accounts.Create(ctx, &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "worker"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	hour := int64(3600)
	request, err := accounts.CreateToken(ctx, "worker", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(request.Status.ExpirationTimestamp.Time); left > 31*time.Minute {
		t.Errorf("the token lives for %s, the signer allows half an hour", left)
	}
	config := rest.AnonymousClientConfig(c.RESTConfig())
	config.BearerToken = request.Status.Token
	self, err := kubernetes.NewForConfigOrDie(config).AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || self.Status.UserInfo.Username != "system:serviceaccount:default:worker" {
		t.Errorf("the token is that of %v, %v", self.Status.UserInfo, err)
	}
	raw, err := c.Client().Discovery().RESTClient().Get().AbsPath("/openid/v1/jwks").SetHeader("Accept", "application/jwk-set+json").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal(raw, &keys); err != nil || len(keys.Keys) != 1 || keys.Keys[0].Kid != "outside" {
		t.Errorf("published keys: %s, %v", raw, err)
	}
	t.Run("a token of nobody's key", func(t *testing.T) {
		parts := strings.Split(request.Status.Token, ".")
		forged := fmt.Sprintf("%s.%s.%s", parts[0], parts[1], base64.RawURLEncoding.EncodeToString(make([]byte, 64)))
		review, err := c.Client().AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: forged}}, metav1.CreateOptions{})
		if err != nil || review.Status.Authenticated {
			t.Errorf("authenticated %v, %v", review.Status.Authenticated, err)
		}
	})
	anonymous := kubernetes.NewForConfigOrDie(rest.AnonymousClientConfig(c.RESTConfig())).Discovery().RESTClient()
	for path, want := range map[string]int{"/livez": 200, "/version": 401} {
		var code int
		anonymous.Get().AbsPath(path).Do(ctx).StatusCode(&code)
		if code != want {
			t.Errorf("%s without credentials: %d, want %d", path, code, want)
		}
	}
}
