package serviceaccount

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	account "k8s.io/apiserver/pkg/authentication/serviceaccount"
	tokenjwt "k8s.io/apiserver/pkg/authentication/token/jwt"
	"k8s.io/utils/clock"
)

// Objects looks up what a token is bound to, from a cache as fresh as the API server has.
type Objects interface {
	ServiceAccount(namespace, name string) (*v1.ServiceAccount, error)
	Pod(namespace, name string) (*v1.Pod, error)
	Secret(namespace, name string) (*v1.Secret, error)
	Node(name string) (*v1.Node, error)
	// LabelSecret sets a label of that incarnation of a secret.
	LabelSecret(ctx context.Context, secret *v1.Secret, key, value string) error
}

// Authenticator verifies tokens of the cluster's own issuers.
type Authenticator struct {
	// Issuers are the accepted "iss" values; the first signs.
	Issuers []string
	// Audiences are those of the API server itself, taken when a request asks for no others.
	Audiences authenticator.Audiences
	// Keys verify the signatures.
	Keys KeySource
	// Objects is asked whether the account and the bound object still exist; nil trusts the token alone.
	Objects Objects
	// TrustLegacy takes tokens of secrets whose account and secret may be gone. Tokens that name what binds them are always looked up.
	TrustLegacy bool
	Clock       clock.PassiveClock
}

var _ authenticator.Token = &Authenticator{}

// leeway is how far clocks may differ.
const leeway = 10 * time.Second

// deletedGrace keeps the tokens of a deleted pod valid a little longer than its grace period, so that it can end its work.
const deletedGrace = 60 * time.Second

var errGone = errors.New("service account token has been invalidated")

// AuthenticateToken implements authenticator.Token. A token of another issuer is nobody's error: the next authenticator may
// know it.
func (a *Authenticator) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if !slices.Contains(a.Issuers, issuerOf(token)) && issuerOf(token) != LegacyIssuer {
		return nil, false, nil
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return nil, false, nil
	}
	claims, err := a.verify(ctx, parsed)
	if err != nil {
		return nil, false, err
	}
	audiences := authenticator.Audiences(claims.Audience)
	if claims.Issuer == LegacyIssuer || len(audiences) == 0 {
		audiences = a.Audiences
	}
	wanted, ok := authenticator.AudiencesFrom(ctx)
	if !ok {
		wanted = a.Audiences
	}
	granted := audiences.Intersect(wanted)
	if len(granted) == 0 && len(wanted) > 0 {
		return nil, false, fmt.Errorf("token audiences %q is invalid for the target audiences %q", audiences, wanted)
	}
	info, err := a.identify(ctx, claims)
	if err != nil {
		return nil, false, err
	}
	return &authenticator.Response{User: info.UserInfo(), Audiences: granted}, true, nil
}

func (a *Authenticator) verify(ctx context.Context, token *jwt.JSONWebToken) (*Claims, error) {
	var kid string
	if len(token.Headers) > 0 {
		kid = token.Headers[0].KeyID
	}
	keys := a.Keys.Find(ctx, kid)
	for _, k := range keys {
		var c Claims
		if err := token.Claims(k.Public, &c); err != nil {
			if errors.Is(err, jose.ErrCryptoFailure) {
				continue
			}
			return nil, fmt.Errorf("reading token claims: %w", err)
		}
		return &c, nil
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key with identifier %q verifies service account tokens", kid)
	}
	return nil, errors.New("invalid signature of service account token")
}

func (a *Authenticator) identify(ctx context.Context, c *Claims) (*account.ServiceAccountInfo, error) {
	if c.Issuer == LegacyIssuer {
		return a.identifyLegacy(ctx, c)
	}
	now := a.Clock.Now()
	if err := c.ValidateWithLeeway(jwt.Expected{Time: now}, leeway); err != nil {
		if errors.Is(err, jwt.ErrExpired) {
			return nil, errors.New("service account token has expired")
		}
		return nil, fmt.Errorf("service account token is not valid yet or no more: %w", err)
	}
	b := c.Kubernetes
	if b == nil || b.Namespace == "" || b.Account.Name == "" {
		return nil, errors.New("service account token carries no account")
	}
	if c.Subject != account.MakeUsername(b.Namespace, b.Account.Name) {
		return nil, errors.New("service account token names another subject than its account")
	}
	info := &account.ServiceAccountInfo{
		Namespace: b.Namespace, Name: b.Account.Name, UID: b.Account.UID,
		CredentialID: tokenjwt.CredentialIDForJTI(c.ID),
	}
	if a.Objects != nil {
		if err := a.checkBound(b, now); err != nil {
			return nil, err
		}
	}
	if b.Pod != nil {
		info.PodName, info.PodUID = b.Pod.Name, b.Pod.UID
	}
	if b.Node != nil {
		info.NodeName, info.NodeUID = b.Node.Name, b.Node.UID
	}
	if b.WarnAfter != nil && now.After(b.WarnAfter.Time()) {
		since := now.Sub(b.WarnAfter.Time()).Round(time.Second)
		audit.AddAuditAnnotation(ctx, "authentication.k8s.io/stale-token",
			fmt.Sprintf("subject: %s, seconds after warning threshold: %d", c.Subject, int(since.Seconds())))
		staleUses.Inc()
	} else {
		validUses.Inc()
	}
	return info, nil
}

// checkBound makes sure that the account and the object that binds the token are the same incarnations and not gone.
func (a *Authenticator) checkBound(b *Binding, now time.Time) error {
	sa, err := a.Objects.ServiceAccount(b.Namespace, b.Account.Name)
	if err != nil {
		return gone("service account", err)
	}
	if err := alive("service account", sa, string(sa.UID), b.Account.UID, now); err != nil {
		return err
	}
	if b.Secret != nil {
		o, err := a.Objects.Secret(b.Namespace, b.Secret.Name)
		if err != nil {
			return gone("secret", err)
		}
		if err := alive("secret", o, string(o.UID), b.Secret.UID, now); err != nil {
			return err
		}
	}
	if b.Pod != nil {
		o, err := a.Objects.Pod(b.Namespace, b.Pod.Name)
		if err != nil {
			return gone("pod", err)
		}
		if err := alive("pod", o, string(o.UID), b.Pod.UID, now); err != nil {
			return err
		}
	}
	// A node beside a pod is information; alone it binds.
	if b.Node != nil && b.Pod == nil {
		o, err := a.Objects.Node(b.Node.Name)
		if err != nil {
			return gone("node", err)
		}
		return alive("node", o, string(o.UID), b.Node.UID, now)
	}
	return nil
}

// alive tells whether the object is the incarnation the token names. A deleted one counts until its grace period, and a
// little more, is over.
func alive(what string, o metav1.Object, uid, want string, now time.Time) error {
	if uid != want {
		return fmt.Errorf("the UID of the %s in the token differs from the stored one: %w", what, errGone)
	}
	if d := o.GetDeletionTimestamp(); d != nil && d.Add(deletedGrace).Before(now) {
		return fmt.Errorf("the %s of the token has been deleted: %w", what, errGone)
	}
	return nil
}

func gone(what string, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s of the token does not exist: %w", what, errGone)
	}
	return fmt.Errorf("looking up %s of the token: %w", what, err)
}

// issuerOf reads the issuer without trusting it. A text that is no token has none.
func issuerOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return ""
	}
	return c.Issuer
}
