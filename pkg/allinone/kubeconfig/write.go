package kubeconfig

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// Identity is whom a file speaks for and to.
type Identity struct {
	// Server is the API server's URL.
	Server string
	// CAFile, CertFile and KeyFile are PEM files.
	CAFile, CertFile, KeyFile string
}

// Build makes the configuration with cluster, user and context all called name.
func Build(name string, id Identity) (*clientcmdapi.Config, error) {
	var data [3][]byte
	for i, file := range []string{id.CAFile, id.CertFile, id.KeyFile} {
		var err error
		if data[i], err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("building the kubeconfig %s: %w", name, err)
		}
	}
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[name] = &clientcmdapi.Cluster{Server: id.Server, CertificateAuthorityData: data[0]}
	cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: data[1], ClientKeyData: data[2]}
	cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	cfg.CurrentContext = name
	return cfg, nil
}

// Write puts the configuration of one identity into path, with the content of its files.
func Write(path, name string, id Identity) error {
	cfg, err := Build(name, id)
	if err != nil {
		return err
	}
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig %s: %w", name, err)
	}
	return atomicfile.Write(path, data, 0o600)
}

// WriteLinked puts a configuration into path that points at the files of id instead of holding them: what is renewed under the
// same names is used by those that run. One file may hold a certificate with its key.
func WriteLinked(path, name string, id Identity) error {
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[name] = &clientcmdapi.Cluster{Server: id.Server, CertificateAuthority: id.CAFile}
	cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificate: id.CertFile, ClientKey: id.KeyFile}
	cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	cfg.CurrentContext = name
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig %s: %w", name, err)
	}
	return atomicfile.Write(path, data, 0o600)
}
