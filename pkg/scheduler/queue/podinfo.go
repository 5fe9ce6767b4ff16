package queue

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// PodInfo is a pod in the queue with its history.
type PodInfo struct {
	Pod *cache.PodInfo

	Timestamp            time.Time
	Attempts             int
	BackoffExpiration    time.Time
	UnschedulableCount   int
	ConsecutiveErrors    int
	InitialAttempt       *time.Time
	UnschedulablePlugins sets.Set[string]
	PendingPlugins       sets.Set[string]
	GatingPlugin         string
	GatingEvents         []fwk.ClusterEvent
	// Signature is what the profile's local plugins say of the pod, computed once per version of the pod.
	Signature    string
	SignatureSet bool

	where place
	index int
	// next is a version seen while the pod was in flight; forgotten that it was deleted or bound meanwhile.
	next      *cache.PodInfo
	forgotten bool
}

var _ fwk.QueuedPodInfo = &PodInfo{}

func (p *PodInfo) GetPodInfo() fwk.PodInfo                   { return p.Pod }
func (p *PodInfo) GetTimestamp() time.Time                   { return p.Timestamp }
func (p *PodInfo) GetAttempts() int                          { return p.Attempts }
func (p *PodInfo) GetBackoffExpiration() time.Time           { return p.BackoffExpiration }
func (p *PodInfo) GetUnschedulableCount() int                { return p.UnschedulableCount }
func (p *PodInfo) GetConsecutiveErrorsCount() int            { return p.ConsecutiveErrors }
func (p *PodInfo) GetInitialAttemptTimestamp() *time.Time    { return p.InitialAttempt }
func (p *PodInfo) GetUnschedulablePlugins() sets.Set[string] { return p.UnschedulablePlugins }
func (p *PodInfo) GetPendingPlugins() sets.Set[string]       { return p.PendingPlugins }
func (p *PodInfo) GetGatingPlugin() string                   { return p.GatingPlugin }
func (p *PodInfo) GetGatingPluginEvents() []fwk.ClusterEvent { return p.GatingEvents }

// Object is the pod as last seen.
func (p *PodInfo) Object() *v1.Pod { return p.Pod.GetPod() }

// rejectors are the plugins whose hints can bring the pod back.
func (p *PodInfo) rejectors() sets.Set[string] {
	return p.UnschedulablePlugins.Union(p.PendingPlugins)
}
