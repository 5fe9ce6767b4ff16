package apiserver

import "k8s.io/klog/v2"

// dropHalfPairs forgets a client certificate without its key and a key without its certificate: upstream starts with either
// alone and shows none, and so does this server, which says so.
func (c *Config) dropHalfPairs() {
	for _, p := range []struct {
		certFlag, keyFlag string
		cert, key         *string
	}{
		{"--proxy-client-cert-file", "--proxy-client-key-file", &c.ProxyClientCertFile, &c.ProxyClientKeyFile},
	} {
		if (*p.cert == "") == (*p.key == "") {
			continue
		}
		klog.InfoS("A flag has no effect", "flag", p.certFlag, "reason", "it has one together with "+p.keyFlag+" only, and the other way round")
		*p.cert, *p.key = "", ""
	}
}
