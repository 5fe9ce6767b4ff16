package cgroup

import (
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// DriverCgroupfs writes the cgroup file system itself.
	DriverCgroupfs = "cgroupfs"
	// DriverSystemd asks systemd for slices.
	DriverSystemd = "systemd"

	nodePrefix       = "kubepods"
	burstablePrefix  = "burstable"
	bestEffortPrefix = "besteffort"
	podPrefix        = "pod"
	sliceSuffix      = ".slice"
)

// name is a group as a list of plain components below the hierarchy's root.
type name []string

func parseName(root string) name {
	var n name
	for _, part := range strings.Split(root, "/") {
		if part != "" && part != "." {
			n = append(n, strings.TrimSuffix(part, sliceSuffix))
		}
	}
	return n
}

func (n name) child(parts ...string) name {
	return append(append(name{}, n...), parts...)
}

func (n name) parent() name { return n[:len(n)-1] }

// cgroupfs is the path the plain driver uses.
func (n name) cgroupfs() string { return "/" + path.Join(n...) }

// systemd is the path systemd gives to the slice: each level repeats its ancestors, and a dash inside a component
// would be read as a level, so it becomes an underscore.
func (n name) systemd() string {
	out, unit := "/", ""
	for _, part := range n {
		part = strings.ReplaceAll(part, "-", "_")
		if unit == "" {
			unit = part
		} else {
			unit += "-" + part
		}
		out = path.Join(out, unit+sliceSuffix)
	}
	return out
}

// unit is the slice's name alone.
func (n name) unit() string { return path.Base(n.systemd()) }

func podName(uid types.UID) string { return podPrefix + string(uid) }

// uidOf reads the pod's UID back from the last component of its group's directory.
func uidOf(dir string) (types.UID, bool) {
	if base, ok := strings.CutSuffix(dir, sliceSuffix); ok {
		i := strings.LastIndex(base, "-"+podPrefix)
		if i < 0 {
			return "", false
		}
		return types.UID(strings.ReplaceAll(base[i+1+len(podPrefix):], "_", "-")), true
	}
	uid, ok := strings.CutPrefix(dir, podPrefix)
	return types.UID(uid), ok && uid != ""
}
