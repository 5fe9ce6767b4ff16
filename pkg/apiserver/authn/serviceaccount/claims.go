package serviceaccount

import (
	"github.com/go-jose/go-jose/v4/jwt"
)

// LegacyIssuer is the issuer of the tokens that live in secrets and never expire.
const LegacyIssuer = "kubernetes/serviceaccount"

// Claims are the claims of a token.
type Claims struct {
	jwt.Claims
	// Kubernetes binds the token to objects.
	Kubernetes *Binding `json:"kubernetes.io,omitempty"`

	// The claims of a legacy token.
	LegacyNamespace  string `json:"kubernetes.io/serviceaccount/namespace,omitempty"`
	LegacySecretName string `json:"kubernetes.io/serviceaccount/secret.name,omitempty"`
	LegacyName       string `json:"kubernetes.io/serviceaccount/service-account.name,omitempty"`
	LegacyUID        string `json:"kubernetes.io/serviceaccount/service-account.uid,omitempty"`
}

// Binding is the private claim: the account, and the object whose end is the token's end.
type Binding struct {
	Namespace string           `json:"namespace,omitempty"`
	Account   Ref              `json:"serviceaccount,omitempty"`
	Pod       *Ref             `json:"pod,omitempty"`
	Secret    *Ref             `json:"secret,omitempty"`
	Node      *Ref             `json:"node,omitempty"`
	WarnAfter *jwt.NumericDate `json:"warnafter,omitempty"`
}

// Ref names an object and its one incarnation.
type Ref struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
}
