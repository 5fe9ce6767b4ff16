package authn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"k8s.io/utils/clock"
)

// issuer is an OpenID provider on loopback.
type issuer struct {
	*httptest.Server
	signer jose.Signer
}

// newIssuer serves its discovery document at the path, which OpenID fixes but discoveryURL may change.
func newIssuer(t *testing.T, discovery string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc(discovery, func(w http.ResponseWriter, _ *http.Request) {
		answer(t, w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(t, w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	})
	i.Server = httptest.NewTLSServer(mux)
	t.Cleanup(i.Close)
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func answer(t *testing.T, w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(document); err != nil {
		t.Error(err)
	}
}

// ca is the issuer's CA, as one line that YAML takes.
func (i *issuer) ca() string {
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	quoted, _ := json.Marshal(string(block))
	return string(quoted)
}

// token signs the claims; issuer and times are added when they are missing.
func (i *issuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": i.URL, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for k, v := range claims {
		all[k] = v
	}
	token, err := jwt.Signed(i.signer).Claims(all).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func write(t *testing.T, file, text string) {
	t.Helper()
	// As tools do it, so that nobody reads half a file.
	next := file + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

func fileConfig(t *testing.T, text string) Config {
	t.Helper()
	c := NewConfig()
	c.ConfigFile = filepath.Join(t.TempDir(), "authentication.yaml")
	c.APIAudiences = []string{"https://api"}
	c.ServiceAccounts.Issuers = []string{"https://kubernetes.default.svc"}
	write(t, c.ConfigFile, "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"+text)
	return c
}

func newResult(t *testing.T, c Config) (*Result, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return New(ctx, c, Dependencies{Clock: clock.RealClock{}, ServerID: "test"})
}

// who asks with a token, or without any when it is empty.
func who(r *Result, path, token string) (string, []string, map[string][]string, error) {
	req := httptest.NewRequest(http.MethodGet, "https://api"+path, nil)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, ok, err := r.Authenticator.AuthenticateRequest(req)
	if !ok || err != nil {
		return "", nil, nil, err
	}
	return resp.User.GetName(), resp.User.GetGroups(), resp.User.GetExtra(), nil
}
