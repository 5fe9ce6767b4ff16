// Package imagelocality prefers nodes that already have the pod's images, the larger the better; images that many nodes
// have count more, so that one node does not get all pods of an image it happened to pull first.
package imagelocality

import (
	"context"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "ImageLocality"

// Below the first size images are as good as absent, above the second (per container) more does not count.
const (
	mib          int64 = 1024 * 1024
	minThreshold       = 23 * mib
	maxThreshold       = 1000 * mib
)

// Plugin scores by images present.
type Plugin struct{ handle fwk.Handle }

var (
	_ fwk.ScorePlugin = &Plugin{}
	_ fwk.SignPlugin  = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{handle: handle}, nil
}

func (*Plugin) Name() string                         { return Name }
func (*Plugin) NodeLocal()                           {}
func (*Plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// SignPod signs the names of the images.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	names := imagesOf(pod)
	slices.Sort(names)
	return []fwk.SignFragment{{Key: fwk.ImageNamesSignerName, Value: names}}, nil
}

// Score rates the sum of the sizes present. The number of nodes is the same for all nodes of a snapshot, and classes are made
// anew when it changes.
func (p *Plugin) Score(_ context.Context, _ fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	states := info.GetImageStates()
	if len(states) == 0 {
		return 0, nil
	}
	all, err := p.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	names := imagesOf(pod)
	sum := int64(0)
	for _, name := range names {
		if image, ok := states[name]; ok {
			sum += int64(float64(image.Size) * (float64(image.NumNodes) / float64(len(all))))
		}
	}
	return rate(sum, len(names)), nil
}

func rate(sum int64, images int) int64 {
	limit := maxThreshold * int64(images)
	sum = min(max(sum, minThreshold), limit)
	if limit <= minThreshold {
		return 0
	}
	return fwk.MaxNodeScore * (sum - minThreshold) / (limit - minThreshold)
}

func imagesOf(pod *v1.Pod) []string {
	names := make([]string, 0, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	for i := range pod.Spec.InitContainers {
		names = append(names, withTag(pod.Spec.InitContainers[i].Image))
	}
	for i := range pod.Spec.Containers {
		names = append(names, withTag(pod.Spec.Containers[i].Image))
	}
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].Image != nil {
			names = append(names, withTag(pod.Spec.Volumes[i].Image.Reference))
		}
	}
	return names
}

// withTag names the image as nodes report it.
func withTag(name string) string {
	if strings.LastIndex(name, ":") <= strings.LastIndex(name, "/") {
		name += ":latest"
	}
	return name
}
