// Package stats measures: the machine's facts (machine.go), and what node, pods and containers use right now, as the summary API of
// k8s.io/kubelet/pkg/apis/stats/v1alpha1 tells it.
//
// Figures of containers come from the container runtime, those of pods and of the node from their cgroups, file systems
// from statfs. Nothing is measured while nobody asks, except disk usage of volumes and logs, which takes long and is remembered for
// a minute.
package stats
