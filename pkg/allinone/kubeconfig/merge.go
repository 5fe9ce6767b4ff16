package kubeconfig

import (
	"fmt"
	"reflect"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Check tells whether the configuration that kubectl uses can be read, for who wants to know before the work is done.
func Check() error {
	_, _, err := personal()
	return err
}

// personal reads the configuration that kubectl uses.
func personal() (*clientcmd.PathOptions, *clientcmdapi.Config, error) {
	options := clientcmd.NewDefaultPathOptions()
	config, err := options.GetStartingConfig()
	if err != nil {
		return nil, nil, fmt.Errorf("reading your kubeconfig %s: %w; mend it, or name another file in KUBECONFIG", options.GetDefaultFilename(), err)
	}
	return options, config, nil
}

// Merge adds cluster, user and context called name from the file at path to the configuration
// that kubectl uses and makes the context current. It returns the context that was current before
// (empty if none, or if it was this one).
func Merge(path, name string) (previous string, err error) {
	added, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	options, target, err := personal()
	if err != nil {
		return "", err
	}
	source := added.CurrentContext
	unchanged := target.CurrentContext == name &&
		sameCluster(target.Clusters[name], added.Clusters[source]) &&
		sameUser(target.AuthInfos[name], added.AuthInfos[source]) && target.Contexts[name] != nil
	if unchanged {
		return "", nil
	}
	// The entry keeps what a person set in it, such as a namespace.
	context := target.Contexts[name]
	if context == nil {
		context = clientcmdapi.NewContext()
	}
	context.Cluster, context.AuthInfo = name, name
	target.Clusters[name] = added.Clusters[source]
	target.AuthInfos[name] = added.AuthInfos[source]
	target.Contexts[name] = context
	if target.CurrentContext != name {
		previous = target.CurrentContext
	}
	target.CurrentContext = name
	// Entries read from a file are written back to it: a new one must not carry the source's.
	target.Clusters[name].LocationOfOrigin = ""
	target.AuthInfos[name].LocationOfOrigin = ""
	if err := clientcmd.ModifyConfig(options, *target, false); err != nil {
		return "", fmt.Errorf("writing your kubeconfig %s: %w", options.GetDefaultFilename(), err)
	}
	return previous, nil
}

// Remove takes the entries called name out of the configuration that kubectl uses. If the context
// was current, previous becomes current again, provided it still exists.
func Remove(name, previous string) error {
	options, target, err := personal()
	if err != nil {
		return err
	}
	if target.Clusters[name] == nil && target.AuthInfos[name] == nil && target.Contexts[name] == nil {
		return nil
	}
	delete(target.Clusters, name)
	delete(target.AuthInfos, name)
	delete(target.Contexts, name)
	if target.CurrentContext == name {
		target.CurrentContext = ""
		if target.Contexts[previous] != nil {
			target.CurrentContext = previous
		}
	}
	if err := clientcmd.ModifyConfig(options, *target, false); err != nil {
		return fmt.Errorf("writing your kubeconfig %s: %w", options.GetDefaultFilename(), err)
	}
	return nil
}

func sameCluster(a, b *clientcmdapi.Cluster) bool {
	return a != nil && b != nil && a.Server == b.Server &&
		reflect.DeepEqual(a.CertificateAuthorityData, b.CertificateAuthorityData)
}

func sameUser(a, b *clientcmdapi.AuthInfo) bool {
	return a != nil && b != nil && reflect.DeepEqual(a.ClientCertificateData, b.ClientCertificateData) &&
		reflect.DeepEqual(a.ClientKeyData, b.ClientKeyData)
}
