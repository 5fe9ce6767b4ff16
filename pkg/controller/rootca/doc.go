// Package rootca publishes the certificate authority of the API server as ConfigMap kube-root-ca.crt in every namespace, so
// that pods can verify the server they talk to.
package rootca
