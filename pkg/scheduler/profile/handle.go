package profile

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	fwk "k8s.io/kube-scheduler/framework"
)

// The methods of fwk.Handle that only hand something out.

func (p *Profile) SnapshotSharedLister() fwk.SharedLister                 { return p.cfg.Snapshot }
func (p *Profile) ClientSet() clientset.Interface                         { return p.cfg.Client }
func (p *Profile) KubeConfig() *restclient.Config                         { return p.cfg.RESTConfig }
func (p *Profile) EventRecorder() events.EventRecorderLogger              { return p.cfg.Recorder }
func (p *Profile) SharedInformerFactory() informers.SharedInformerFactory { return p.cfg.Informers }
func (p *Profile) SharedDRAManager() fwk.SharedDRAManager                 { return p.cfg.DRAManager }
func (p *Profile) SharedCSIManager() fwk.CSIManager                       { return p.cfg.CSIManager }
func (p *Profile) Extenders() []fwk.Extender                              { return p.cfg.Extenders }
func (p *Profile) Parallelizer() fwk.Parallelizer                         { return p.cfg.Parallelizer }

// APIDispatcher and APICacher are nil: the feature behind them (SchedulerAsyncAPICalls) is off by default.
func (p *Profile) APIDispatcher() fwk.APIDispatcher     { return nil }
func (p *Profile) APICacher() fwk.APICacher             { return nil }
func (p *Profile) PodGroupManager() fwk.PodGroupManager { return podGroups{p.cfg.Snapshot} }

type podGroups struct{ lister fwk.SharedLister }

func (g podGroups) PodGroupStates() fwk.PodGroupStateLister { return g.lister.PodGroupStates() }

func (p *Profile) IterateOverWaitingPods(callback func(fwk.WaitingPod)) { p.cfg.Waiting.each(callback) }

func (p *Profile) GetWaitingPod(uid types.UID) fwk.WaitingPod {
	if pod := p.cfg.Waiting.get(uid); pod != nil {
		return pod
	}
	return nil
}

func (p *Profile) RejectWaitingPod(uid types.UID) bool {
	if pod := p.cfg.Waiting.get(uid); pod != nil {
		pod.Reject("", "removed")
		return true
	}
	return false
}

func (p *Profile) AddPodInPreBind(uid types.UID, cancel context.CancelCauseFunc) {
	w := p.cfg.Waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	w.preBind[uid] = &preBindPod{cancel: cancel}
}

func (p *Profile) GetPodInPreBind(uid types.UID) fwk.PodInPreBind {
	w := p.cfg.Waiting
	w.mu.RLock()
	defer w.mu.RUnlock()
	if pod, ok := w.preBind[uid]; ok {
		return pod
	}
	return nil
}

func (p *Profile) RemovePodInPreBind(uid types.UID) {
	w := p.cfg.Waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.preBind, uid)
}
