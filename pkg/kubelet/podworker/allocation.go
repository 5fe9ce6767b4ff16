package podworker

import (
	"encoding/json"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// allocation is what the node has promised the pod: the resources it was admitted with, and those of every resize
// that was granted. It is written to the pod's directory, so that a restart does not forget it.
type allocation struct {
	Pod        *v1.ResourceRequirements           `json:"pod,omitempty"`
	Containers map[string]v1.ResourceRequirements `json:"containers"`
}

func allocationOf(pod *v1.Pod) *allocation {
	a := &allocation{Containers: map[string]v1.ResourceRequirements{}}
	if pod.Spec.Resources != nil {
		a.Pod = pod.Spec.Resources.DeepCopy()
	}
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			a.Containers[list[i].Name] = *list[i].Resources.DeepCopy()
		}
	}
	return a
}

func (a *allocation) equal(b *allocation) bool { return equality.Semantic.DeepEqual(a, b) }

// apply returns the pod with the allocated resources in place of the wished ones; pod itself when they are the same.
func (a *allocation) apply(pod *v1.Pod) *v1.Pod {
	if a == nil || a.equal(allocationOf(pod)) {
		return pod
	}
	out := pod.DeepCopy()
	out.Spec.Resources = a.Pod
	for _, list := range [][]v1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			if r, ok := a.Containers[list[i].Name]; ok {
				list[i].Resources = r
			}
		}
	}
	return out
}

func (w *worker) allocationFile() string {
	return filepath.Join(w.m.podDir(w.uid), "allocation.json")
}

func (w *worker) loadAllocation() *allocation {
	data, err := os.ReadFile(w.allocationFile())
	if err != nil {
		return nil
	}
	a := &allocation{}
	if json.Unmarshal(data, a) != nil {
		return nil
	}
	return a
}

func (w *worker) saveAllocation(a *allocation) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.m.podDir(w.uid), 0o750); err != nil {
		return err
	}
	tmp := w.allocationFile() + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, w.allocationFile())
}
