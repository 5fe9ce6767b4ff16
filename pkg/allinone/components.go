package allinone

import (
	"slices"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// Names of the components. Those of Kubernetes are the names of upstream's programs.
const (
	etcdName              = "etcd"
	containerdName        = "containerd"
	imagesName            = "images"
	informersName         = "informers"
	apiServerName         = "kube-apiserver"
	controllerManagerName = "kube-controller-manager"
	schedulerName         = "kube-scheduler"
	kubeletName           = "kubelet"
	proxyName             = "kube-proxy"
	addonsName            = "addons"
	podNetworkName        = "pod-network"
	welcomeName           = "welcome"
	approverName          = "approver"
	certificatesName      = "certificates"
)

// replaceable are the components a program can take the place of.
var replaceable = []string{apiServerName, controllerManagerName, schedulerName, kubeletName, proxyName}

// members is the one list of what runs, in the order it is shown.
func (a *assembly) members() []lifecycle.Member {
	// A built-in API server reads from itself by way of the informers; they end before another one, which would wait for their
	// watches.
	direct, serverNeeds, informersNeed := &informer.Direct{}, []string{etcdName, informersName}, []string(nil)
	if a.cfg.Binaries[apiServerName] != "" {
		direct, serverNeeds, informersNeed = nil, []string{etcdName}, []string{apiServerName}
	}
	return a.withRuntime([]lifecycle.Member{
		{Name: etcdName, Build: a.buildEtcd},
		{Name: certificatesName, Build: a.buildRenewal},
		{Name: containerdName, Build: a.buildContainerd},
		{Name: imagesName, Needs: []string{containerdName}, Build: a.buildImages, OneShot: true},
		{Name: apiServerName, Needs: serverNeeds, Build: a.pick(apiServerName, a.watching(a.buildAPIServer(direct)))},
		{Name: informersName, Needs: informersNeed, Build: a.informersAs(pki.Admin, direct)},
		{Name: controllerManagerName, Needs: []string{apiServerName, informersName}, Build: a.pick(controllerManagerName, a.watching(a.buildControllerManager))},
		{Name: schedulerName, Needs: []string{apiServerName, informersName}, Build: a.pick(schedulerName, a.watching(a.buildScheduler))},
		{Name: kubeletName, Needs: []string{apiServerName, informersName, containerdName}, Build: a.pick(kubeletName, a.watching(a.buildKubelet))},
		{Name: proxyName, Needs: []string{apiServerName, informersName}, Build: a.pick(proxyName, a.watching(a.buildProxy))},
		{Name: addonsName, Needs: []string{apiServerName}, Build: a.buildAddons, OneShot: true},
		{Name: podNetworkName, Needs: []string{apiServerName, informersName}, Build: a.watching(a.podNetworkAs(pki.Admin))},
		{Name: approverName, Needs: []string{apiServerName, informersName}, Build: a.watching(a.buildApprover)},
		{Name: welcomeName, Needs: []string{apiServerName}, Build: a.buildWelcome, OneShot: true},
	})
}

// withRuntime takes our containerd away when another runtime is used, and the pod network with it: that
// runtime has its own, whose routes must not be replaced by ours.
func (a *assembly) withRuntime(all []lifecycle.Member) []lifecycle.Member {
	if a.cfg.RuntimeEndpoint == "" {
		return all
	}
	all = slices.DeleteFunc(all, func(m lifecycle.Member) bool {
		return m.Name == containerdName || m.Name == imagesName || m.Name == podNetworkName
	})
	for i := range all {
		all[i].Needs = slices.DeleteFunc(slices.Clone(all[i].Needs), func(need string) bool { return need == containerdName })
	}
	return all
}

// pick takes the program a person named for a component, or the built-in one.
func (a *assembly) pick(name string, builtIn build) build {
	if path := a.cfg.Binaries[name]; path != "" {
		return a.program(name, path)
	}
	return builtIn
}
