package bootstraptoken

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/util"
	"k8s.io/utils/clock"
)

// Secrets finds a secret of the kube-system namespace.
type Secrets interface {
	Get(name string) (*v1.Secret, error)
}

// Authenticator takes bootstrap tokens.
type Authenticator struct {
	secrets Secrets
	clock   clock.PassiveClock
}

// New makes the authenticator.
func New(secrets Secrets, clock clock.PassiveClock) *Authenticator {
	return &Authenticator{secrets, clock}
}

// AuthenticateToken implements authenticator.Token. Whatever is wrong with the token, the caller only learns that it is not
// taken.
func (a *Authenticator) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	if !util.IsValidBootstrapToken(token) {
		return nil, false, nil
	}
	id, secret, _ := strings.Cut(token, ".")
	s, err := a.secrets.Get(api.BootstrapTokenSecretPrefix + id)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("looking up bootstrap token %s: %w", id, err)
	}
	if s.DeletionTimestamp != nil || string(s.Type) != string(api.SecretTypeBootstrapToken) || s.Data == nil {
		return nil, false, nil
	}
	if subtle.ConstantTimeCompare(s.Data[api.BootstrapTokenSecretKey], []byte(secret)) != 1 ||
		string(s.Data[api.BootstrapTokenIDKey]) != id || a.expired(s) ||
		string(s.Data[api.BootstrapTokenUsageAuthentication]) != "true" {
		return nil, false, nil
	}
	groups := []string{api.BootstrapDefaultGroup}
	if extra := string(s.Data[api.BootstrapTokenExtraGroupsKey]); extra != "" {
		for _, g := range strings.Split(extra, ",") {
			if util.ValidateBootstrapGroupName(g) != nil {
				return nil, false, nil
			}
			groups = append(groups, g)
		}
	}
	return &authenticator.Response{User: &user.DefaultInfo{Name: api.BootstrapUserPrefix + id, Groups: groups}}, true, nil
}

// expired tells whether the token's time is over; one that cannot be read counts as over.
func (a *Authenticator) expired(s *v1.Secret) bool {
	text := string(s.Data[api.BootstrapTokenExpirationKey])
	if text == "" {
		return false
	}
	t, err := time.Parse(time.RFC3339, text)
	return err != nil || !a.clock.Now().Before(t)
}
