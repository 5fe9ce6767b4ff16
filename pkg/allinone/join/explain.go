package join

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// explain says what an error on the way to the server means and what to do.
func explain(err error, server string, now time.Time) error {
	var (
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		unknown  x509.UnknownAuthorityError
		dns      *net.DNSError
		op       *net.OpError
		record   tls.RecordHeaderError
		timeout  net.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("the certificate of %s holds from %s to %s, but this machine's clock says %s: set the clock, or renew the server's certificate by starting it anew",
			server, stamp(invalid.Cert.NotBefore), stamp(invalid.Cert.NotAfter), stamp(now))
	case errors.As(err, &hostname):
		return fmt.Errorf("the certificate of %s is for other names (%s): use one of them in --server, or start the server with --tls-san=%s",
			server, names(hostname.Certificate), hostname.Host)
	case errors.As(err, &unknown):
		return fmt.Errorf("what answers at %s is not of this cluster: its certificate is signed by another authority", server)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("what answers at %s does not speak TLS: it is no API server", server)
	case errors.As(err, &dns):
		return fmt.Errorf("the server's name %s is not known on this machine: %w", dns.Name, err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s does not accept who we are: the token has expired or was deleted; make another with `tiphys token create` on the server", server)
	case errors.As(err, &op), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s does not answer: is the server running, is its address right, and does a firewall let its port through? (%w)", server, err)
	}
	return fmt.Errorf("%s: %w", server, err)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func names(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return strings.Join(all, ", ")
}
