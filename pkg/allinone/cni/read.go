package cni

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Ranges are the ones in our configuration, as it was written last; none if there is none.
func Ranges(confDir string) ([]netip.Prefix, error) {
	path := filepath.Join(confDir, fileName)
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the network configuration: %w", err)
	}
	var list struct {
		Plugins []struct {
			IPAM struct {
				Ranges [][]struct{ Subnet netip.Prefix }
			}
		}
	}
	if err := json.Unmarshal(content, &list); err != nil {
		// Written whole or not at all, so somebody changed it; it is written anew.
		return nil, nil
	}
	var found []netip.Prefix
	for _, plugin := range list.Plugins {
		for _, set := range plugin.IPAM.Ranges {
			for _, r := range set {
				found = append(found, r.Subnet)
			}
		}
	}
	return found, nil
}
