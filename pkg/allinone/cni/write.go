package cni

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// Config describes the network of one node.
type Config struct {
	// ConfDir is the folder containerd reads.
	ConfDir string
	// PodCIDRs are the node's own ranges, one a family.
	PodCIDRs []netip.Prefix
	// DataDir is where host-local keeps its leases.
	DataDir string
	// MTU of the bridge; 0 leaves it to the kernel.
	MTU int
}

// fileName sorts before the names other networks use only when it is alone: see Write.
const fileName = "10-tiphys.conflist"

// BridgeName is the interface pods hang on.
const BridgeName = "cni0"

// Write puts the configuration into the folder, or takes it away when another one is there.
func Write(cfg Config) error {
	other, err := Foreign(cfg.ConfDir)
	if err != nil {
		return err
	}
	path := filepath.Join(cfg.ConfDir, fileName)
	if other != "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("stepping back for the network configuration %s: %w", other, err)
		}
		return nil
	}
	content, err := render(cfg)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, content, 0o644)
}

// Foreign names a network configuration of somebody else, if there is one.
func Foreign(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for network configurations: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		isConfig := strings.HasSuffix(name, ".conflist") || strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".json")
		if isConfig && name != fileName {
			return name, nil
		}
	}
	return "", nil
}

type object = map[string]any

func render(cfg Config) ([]byte, error) {
	if len(cfg.PodCIDRs) == 0 {
		return nil, errors.New("the pod network needs an address range")
	}
	var ranges []any
	for _, cidr := range cfg.PodCIDRs {
		ranges = append(ranges, []any{object{"subnet": cidr.String()}})
	}
	bridge := object{
		"type":             "bridge",
		"bridge":           BridgeName,
		"isDefaultGateway": true,
		"ipMasq":           false,
		// A pod may be its own endpoint behind a service.
		"hairpinMode": true,
		"ipam": object{
			"type":    "host-local",
			"dataDir": cfg.DataDir,
			"ranges":  ranges,
		},
	}
	if cfg.MTU > 0 {
		bridge["mtu"] = cfg.MTU
	}
	list := object{
		"cniVersion": "1.0.0",
		"name":       "tiphys",
		"plugins": []any{
			bridge,
			object{"type": "portmap", "capabilities": object{"portMappings": true}, "snat": true, "backend": "nftables"},
			object{"type": "bandwidth", "capabilities": object{"bandwidth": true}},
		},
	}
	content, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(content, '\n'), nil
}
