package containerd

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// capSysResource is CAP_SYS_RESOURCE of capability.h.
const capSysResource = 24

// boundingSetHas reads the CapBnd line of /proc/self/status.
func boundingSetHas(status []byte, capability uint) (bool, error) {
	for line := range bytes.Lines(status) {
		value, found := bytes.CutPrefix(line, []byte("CapBnd:"))
		if !found {
			continue
		}
		set, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
		if err != nil {
			return false, fmt.Errorf("capability bounding set: %w", err)
		}
		return set&(1<<capability) != 0, nil
	}
	return false, errors.New("no CapBnd line in the process status")
}
