package dns

import (
	"fmt"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
)

const (
	managedHeader     = "# Kubernetes-managed hosts file.\n"
	hostNetworkHeader = "# Kubernetes-managed hosts file (host network).\n"
)

// HostsFile is the hosts file of a pod with a network of its own.
func HostsFile(podIPs []string, hostname, domain string, aliases []v1.HostAlias) []byte {
	var b strings.Builder
	b.WriteString(managedHeader)
	b.WriteString("127.0.0.1\tlocalhost\n")
	b.WriteString("::1\tlocalhost ip6-localhost ip6-loopback\n")
	b.WriteString("fe00::0\tip6-localnet\n")
	b.WriteString("fe00::0\tip6-mcastprefix\n")
	b.WriteString("fe00::1\tip6-allnodes\n")
	b.WriteString("fe00::2\tip6-allrouters\n")
	names := hostname
	if domain != "" {
		names = hostname + "." + domain + "\t" + hostname
	}
	for _, ip := range podIPs {
		fmt.Fprintf(&b, "%s\t%s\n", ip, names)
	}
	writeAliases(&b, aliases)
	return []byte(b.String())
}

// NodeHostsFile is the hosts file of a pod on the node's network: the node's own with the pod's aliases.
func NodeHostsFile(path string, aliases []v1.HostAlias) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the node's hosts file: %w", err)
	}
	var b strings.Builder
	b.WriteString(hostNetworkHeader)
	b.Write(data)
	writeAliases(&b, aliases)
	return []byte(b.String()), nil
}

func writeAliases(b *strings.Builder, aliases []v1.HostAlias) {
	if len(aliases) == 0 {
		return
	}
	b.WriteString("\n# Entries added by HostAliases.\n")
	for _, alias := range aliases {
		fmt.Fprintf(b, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
}
