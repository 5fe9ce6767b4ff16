package podnodeselector

import (
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// clusterDefault is the key of the selector for namespaces that the configuration does not name.
const clusterDefault = "clusterDefaultNodeSelector"

// file is the form of the configuration: selectors by namespace.
type file struct {
	PodNodeSelectorPluginConfig map[string]string `json:"podNodeSelectorPluginConfig"`
}

func readConfig(r io.Reader) (map[string]string, error) {
	if r == nil {
		return nil, nil
	}
	f := file{}
	err := yaml.NewYAMLOrJSONDecoder(r, 4096).Decode(&f)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the configuration of %s: %w", PluginName, err)
	}
	return f.PodNodeSelectorPluginConfig, nil
}
