package dns

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
)

const (
	maxLabel    = 63
	maxHostname = 64 // the kernel's limit
)

// PodHostname returns the pod's host name and domain. A pod with setHostnameAsFQDN has both as its host name.
func (c *Configurer) PodHostname(pod *v1.Pod) (hostname, domain string, err error) {
	if o := pod.Spec.HostnameOverride; o != nil {
		return *o, "", nil
	}
	hostname = pod.Spec.Hostname
	if hostname == "" {
		hostname = pod.Name
		if len(hostname) > maxLabel {
			hostname = strings.TrimRight(hostname[:maxLabel], "-.")
		}
	}
	if pod.Spec.Subdomain != "" {
		domain = fmt.Sprintf("%s.%s.svc.%s", pod.Spec.Subdomain, pod.Namespace, c.cfg.ClusterDomain)
	}
	return hostname, domain, nil
}

// KernelHostname is what the sandbox's UTS namespace shall say.
func KernelHostname(pod *v1.Pod, hostname, domain string) (string, error) {
	if pod.Spec.SetHostnameAsFQDN == nil || !*pod.Spec.SetHostnameAsFQDN || domain == "" {
		return hostname, nil
	}
	fqdn := hostname + "." + domain
	if len(fqdn) > maxHostname {
		return "", fmt.Errorf("Failed to construct FQDN from Pod hostname and cluster domain, FQDN %s is too long (%d characters is the max, %d characters requested)", //nolint:staticcheck // the text is shown to users as upstream's
			fqdn, maxHostname, len(fqdn))
	}
	return fqdn, nil
}
