package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"tiphys.dev/tiphys/test/peer"
)

// components can each be of either side.
var components = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}

// mix says which components are upstream's; the others are ours.
type mix struct {
	name     string
	upstream []string
}

// mixes are both sides whole, which shows that a failure of the others is one of the mixing, and each component alone among
// those of the other side. Our API server alone has all of upstream's components as its clients, and upstream's all of ours.
func mixes() []mix {
	out := []mix{{"all upstream", components}, {"all ours", nil}}
	for _, c := range components {
		out = append(out,
			mix{"upstream with our " + c, slices.DeleteFunc(slices.Clone(components), func(other string) bool { return other == c })},
			mix{"ours with upstream " + c, []string{c}})
	}
	return out
}

// binary is the program that is to run as a component.
func (m mix) binary(component string) string {
	if slices.Contains(m.upstream, component) {
		return filepath.Join(peer.DefaultBinDir(), component)
	}
	return filepath.Join(peer.OurBinDir(), component)
}

// checkout is the root of the source tree this file was compiled from.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

func nodeBinDir() string { return filepath.Join(checkout(), "_output", "node", "bin") }

// missing says what must be done before any mix can run; empty if nothing.
func missing() string {
	if os.Geteuid() != 0 {
		return "making namespaces, mounts and cgroups needs root"
	}
	needs := map[string]string{
		filepath.Join(nodeBinDir(), "containerd"):                    "make node-deps",
		filepath.Join(checkout(), "_output", "bundled", "pause.tar"): "make images",
		filepath.Join(peer.DefaultBinDir(), "agnhost"):               "hack/build-upstream.sh agnhost",
		filepath.Join(peer.OurBinDir(), "tiphys"):                    "make build",
	}
	for _, c := range components {
		needs[filepath.Join(peer.DefaultBinDir(), c)] = "hack/build-upstream.sh " + c
		needs[filepath.Join(peer.OurBinDir(), c)] = "make build"
	}
	for file, remedy := range needs {
		if _, err := os.Stat(file); err != nil {
			return fmt.Sprintf("%s is missing: %s", file, remedy)
		}
	}
	return ""
}
