package plugins

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Shared is what plugins of all profiles of a scheduler hold in common: the view of devices and of CSI nodes, and the
// numbering of declared features.
type Shared struct {
	informers informers.SharedInformerFactory
	logger    klog.Logger
}

// NewShared makes it and asks the factory for the informers needed.
func NewShared(factory informers.SharedInformerFactory, logger klog.Logger) *Shared {
	return &Shared{informers: factory, logger: logger}
}

// Features numbers the features nodes declare.
func (s *Shared) Features() *ndf.FeatureMapper { return ndf.DefaultFramework.FeatureMapper }

// DRAManager and CSIManager are handed to plugins.
func (s *Shared) DRAManager() fwk.SharedDRAManager { return nil }
func (s *Shared) CSIManager() fwk.CSIManager       { return nil }

// OnDeviceEvent forwards events of claims, slices and classes after the shared view took them in.
func (s *Shared) OnDeviceEvent(fwk.EventResource, cache.ResourceEventHandler) {}

// Start starts what runs beside the informers; goroutines are added to wg.
func (s *Shared) Start(context.Context, *sync.WaitGroup) error { return nil }

// Synced tells when the shared views are complete.
func (s *Shared) Synced() []cache.InformerSynced { return nil }

// EventScheme finds the kind of objects events are about.
func EventScheme() *runtime.Scheme { return clientgoscheme.Scheme }
