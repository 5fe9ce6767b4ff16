package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

// Load reads the config file (may be "") and lays the *.conf files of the drop-in directory (may be "") over it in
// lexical order. A drop-in replaces lists and scalars and merges maps. No defaults are set.
func Load(file, dropInDir string) (*kubeletconfig.KubeletConfiguration, error) {
	merged := []byte("{}")
	paths, err := dropIns(dropInDir)
	if err != nil {
		return nil, err
	}
	if file != "" {
		paths = append([]string{file}, paths...)
	}
	for _, path := range paths {
		data, err := read(path)
		if err != nil {
			return nil, err
		}
		if merged, err = jsonpatch.MergePatch(merged, data); err != nil {
			return nil, fmt.Errorf("merging %s: %w", path, err)
		}
	}
	c := &kubeletconfig.KubeletConfiguration{}
	if err := yaml.UnmarshalStrict(merged, c); err != nil {
		return nil, fmt.Errorf("reading kubelet configuration: %w", err)
	}
	return c, nil
}

func dropIns(dir string) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".conf") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the drop-in directory: %w", err)
	}
	sort.Strings(paths)
	return paths, nil
}

// read returns the file as JSON, after a look at what it says it is.
func read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading kubelet configuration: %w", err)
	}
	data, err = yaml.YAMLToJSON(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	var meta struct{ APIVersion, Kind string }
	if err := json.Unmarshal(data, &meta); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	gv, err := schema.ParseGroupVersion(meta.APIVersion)
	if err != nil || gv != kubeletconfig.SchemeGroupVersion || meta.Kind != "KubeletConfiguration" {
		return nil, fmt.Errorf("reading %s: want %s KubeletConfiguration, got %q %q", path, kubeletconfig.SchemeGroupVersion, meta.APIVersion, meta.Kind)
	}
	return data, nil
}
