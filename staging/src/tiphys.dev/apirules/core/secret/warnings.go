package secret

import (
	"crypto/tls"

	v1 "k8s.io/api/core/v1"
)

// Warnings tells of a key pair that no TLS server can use.
func Warnings(obj *v1.Secret) []string {
	if obj.Type != v1.SecretTypeTLS {
		return nil
	}
	if _, err := tls.X509KeyPair(obj.Data[v1.TLSCertKey], obj.Data[v1.TLSPrivateKeyKey]); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.Secret) []string { return Warnings(obj) }
