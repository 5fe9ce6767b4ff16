package flags

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  string
}

func newAuthority(t *testing.T, name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, cert: &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	a.cert, a.pem = a.sign(t, a.cert, key.Public())
	return a
}

// readAuthority reads one of the bench's.
func readAuthority(t *testing.T, dir, name string) *authority {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: pair.PrivateKey.(crypto.Signer)}
}

func (a *authority) sign(t *testing.T, c *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, string) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = serial, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// pair is a certificate and its key, in PEM.
type pair struct{ cert, key string }

// issue makes a pair for a client, or for a server of hosts.
func (a *authority) issue(t *testing.T, user string, groups []string, hosts ...string) pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{Subject: pkix.Name{CommonName: user, Organization: groups}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	_, cert := a.sign(t, c, key.Public())
	return pair{cert, keyPEM(t, key)}
}

func keyPEM(t *testing.T, key crypto.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func publicPEM(t *testing.T, key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// door makes a way in with a certificate of its own.
func (w *world) door(name string, p pair) {
	cert, err := tls.X509KeyPair([]byte(p.cert), []byte(p.key))
	if err != nil {
		w.t.Fatal(err)
	}
	w.server.enter(name, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}})
}

// file reads a file of the keys' or the server's folder.
func (w *world) file(name string) string {
	data, err := os.ReadFile(strings.NewReplacer("{{pki}}", w.bench.pki, "{{dir}}", w.dir).Replace(name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// signers are keys that do not change while the tests run.
var signers = func() map[string]crypto.Signer {
	one, err1 := rsa.GenerateKey(rand.Reader, 2048)
	two, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{"RS256": one, "ES256": two}
}()

// signed is a token of an algorithm's key.
func signed(t *testing.T, algorithm string, claims map[string]any) string {
	return signedBy(t, algorithm, algorithm, signers[algorithm], claims)
}

func signedBy(t *testing.T, algorithm, id string, key crypto.Signer, claims map[string]any) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"iat": time.Now().Unix(), "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for k, v := range claims {
		all[k] = v
	}
	text, err := jwt.Signed(s).Claims(all).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims reads a token without looking who signed it; part 0 is the head.
func claims(token string, part int) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) < 3 {
		return nil
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		return nil
	}
	return decode(string(data))
}

// provider answers as an OpenID provider with the keys above.
func provider(h *hook, c call) (int, any) {
	switch c.path {
	case "/.well-known/openid-configuration":
		return 200, map[string]any{"issuer": h.URL, "jwks_uri": h.URL + "/keys", "response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES256"}}
	case "/keys":
		set := jose.JSONWebKeySet{}
		for _, alg := range []string{"RS256", "ES256"} {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: signers[alg].Public(), KeyID: alg, Algorithm: alg, Use: "sig"})
		}
		return 200, set
	}
	return 404, map[string]any{}
}
