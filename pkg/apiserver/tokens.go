package apiserver

import (
	"time"

	"tiphys.dev/tiphys/pkg/apiserver/authn/externalsigner"
	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
	"tiphys.dev/tiphys/pkg/registry/core/componentstatus"
)

// tokens says how service account tokens are issued.
type tokens struct {
	issuer                      *serviceaccount.Issuer
	maxExpiration, maxExtension time.Duration
}

// tokens issues with the external signer where there is one, and with the key of the file else. The limits of an external
// signer are the server's, too.
func (c *Config) tokens(external *externalsigner.Signer) (t tokens, err error) {
	sa := c.Authentication.ServiceAccounts
	t.maxExpiration = sa.MaxExpiration
	var signer serviceaccount.Signer
	switch {
	case external != nil:
		signer, t.maxExtension = external, external.MaxExpiration()
		if t.maxExpiration == 0 {
			t.maxExpiration = external.MaxExpiration()
		}
	case c.ServiceAccountSigningKeyFile != "":
		if signer, err = serviceaccount.LoadSigner(c.ServiceAccountSigningKeyFile); err != nil {
			return t, err
		}
	default:
		return t, nil
	}
	t.issuer = serviceaccount.NewIssuer(sa.Issuers[0], signer)
	return t, nil
}

// The ports on which the other daemons of a control plane serve their health.
const (
	schedulerPort         = 10259
	controllerManagerPort = 10257
)

// components are those that componentstatuses tells about.
func (g *generic) components() []componentstatus.Component {
	return append([]componentstatus.Component{
		componentstatus.Daemon("scheduler", schedulerPort), componentstatus.Daemon("controller-manager", controllerManagerPort),
	}, componentstatus.Stores(g.stores)...)
}
