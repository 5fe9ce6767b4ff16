package serviceaccount

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/warning"
	clocktesting "k8s.io/utils/clock/testing"
)

// legacyObjects has one account and one secret.
type legacyObjects struct {
	account *v1.ServiceAccount
	secret  *v1.Secret
	// labelled is what was asked to be written.
	labelled map[string]string
}

func (o *legacyObjects) ServiceAccount(string, string) (*v1.ServiceAccount, error) {
	return o.account, nil
}
func (o *legacyObjects) Secret(string, string) (*v1.Secret, error) { return o.secret, nil }
func (o *legacyObjects) Pod(_, name string) (*v1.Pod, error) {
	return nil, apierrors.NewNotFound(v1.Resource("pods"), name)
}
func (o *legacyObjects) Node(name string) (*v1.Node, error) {
	return nil, apierrors.NewNotFound(v1.Resource("nodes"), name)
}
func (o *legacyObjects) LabelSecret(_ context.Context, _ *v1.Secret, key, value string) error {
	o.labelled[key] = value
	return nil
}

// warnings keeps what a client would read in the headers.
type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

// TestLegacyUse: whoever cleans up unused tokens must see which are used, and their users are told.
func TestLegacyUse(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": LegacyIssuer, "sub": "system:serviceaccount:ns:acc", "kubernetes.io/serviceaccount/namespace": "ns",
		"kubernetes.io/serviceaccount/secret.name": "sec", "kubernetes.io/serviceaccount/service-account.name": "acc",
		"kubernetes.io/serviceaccount/service-account.uid": "1",
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	public, err := NewKey("", key.Public())
	if err != nil {
		t.Fatal(err)
	}
	const today = "2026-11-22"
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		generated bool
		labels    map[string]string
		refused   bool
		warned    bool
		written   string
	}{
		{name: "first use of a manual one", written: today},
		{name: "second use of the day", labels: map[string]string{lastUsedLabel: today}},
		{name: "use on another day", labels: map[string]string{lastUsedLabel: "2026-11-21"}, written: today},
		{name: "generated", generated: true, warned: true, written: today},
		{name: "marked invalid", generated: true, labels: map[string]string{invalidSinceLabel: "2026-01-01"}, refused: true, written: today},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &legacyObjects{labelled: map[string]string{},
				account: &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "acc", UID: types.UID("1")}},
				secret:  &v1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "sec", Labels: c.labels}, Data: map[string][]byte{"token": []byte(token)}}}
			if c.generated {
				o.account.Secrets = []v1.ObjectReference{{Name: "sec"}}
			}
			a := &Authenticator{Keys: StaticKeys{public}, Objects: o, Clock: clocktesting.NewFakePassiveClock(now), Audiences: []string{"api"}}
			var w warnings
			_, ok, err := a.AuthenticateToken(warning.WithWarningRecorder(context.Background(), &w), token)
			if ok == c.refused || (err != nil) != c.refused {
				t.Errorf("authenticated %v, error %v", ok, err)
			}
			if (len(w) > 0) != c.warned {
				t.Errorf("warnings %q", w)
			}
			if got := o.labelled[lastUsedLabel]; got != c.written {
				t.Errorf("wrote the day %q, want %q", got, c.written)
			}
		})
	}
	// A secret without its token stands for one that is gone.
	for name, trust := range map[string]bool{"gone": false, "gone and trusted": true} {
		t.Run(name, func(t *testing.T) {
			o := &legacyObjects{labelled: map[string]string{}, account: &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "acc", UID: types.UID("1")}}, secret: &v1.Secret{}}
			a := &Authenticator{Issuers: []string{"own"}, Keys: StaticKeys{public}, Objects: o, TrustLegacy: trust, Clock: clocktesting.NewFakePassiveClock(now), Audiences: []string{"api"}}
			if _, ok, err := a.AuthenticateToken(context.Background(), token); ok != trust || (err == nil) != trust {
				t.Errorf("authenticated %v, error %v", ok, err)
			}
			// What binds other tokens is looked up in any case: this one's account has another UID.
			bound, err := jwt.Signed(signer).Claims(map[string]any{"iss": "own", "sub": "system:serviceaccount:ns:acc", "aud": []string{"api"}, "exp": now.Add(time.Hour).Unix(),
				"kubernetes.io": map[string]any{"namespace": "ns", "serviceaccount": map[string]any{"name": "acc", "uid": "2"}}}).Serialize()
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := a.AuthenticateToken(context.Background(), bound); ok || err == nil {
				t.Errorf("a bound token of another account: authenticated %v, error %v", ok, err)
			}
		})
	}
}
