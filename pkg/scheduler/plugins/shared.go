package plugins

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/plugins/dynamicresources"
)

// Shared is what plugins of all profiles of a scheduler hold in common: the view of devices and of CSI nodes, and the
// numbering of declared features.
type Shared struct {
	devices *dynamicresources.Manager
	csi     storagelisters.CSINodeLister
}

// NewShared makes it and asks the factory for the informers needed.
func NewShared(factory informers.SharedInformerFactory) *Shared {
	return &Shared{devices: dynamicresources.NewManager(factory), csi: factory.Storage().V1().CSINodes().Lister()}
}

// Features numbers the features nodes declare.
func (s *Shared) Features() *ndf.FeatureMapper { return ndf.DefaultFramework.FeatureMapper }

// DRAManager and CSIManager are handed to plugins.
func (s *Shared) DRAManager() fwk.SharedDRAManager { return s.devices }
func (s *Shared) CSIManager() fwk.CSIManager       { return csiManager{s.csi} }

// DeviceInformer is where events about claims, slices and classes come from.
func (s *Shared) DeviceInformer(resource fwk.EventResource) (cache.SharedIndexInformer, error) {
	informer, err := s.devices.Informer(resource)
	if err != nil {
		return nil, fmt.Errorf("events of devices: %w", err)
	}
	return informer, nil
}

// EventScheme finds the kind of objects events are about.
func EventScheme() *runtime.Scheme { return clientgoscheme.Scheme }

type csiManager struct{ lister storagelisters.CSINodeLister }

func (m csiManager) CSINodes() fwk.CSINodeLister { return csiNodes(m) }

type csiNodes struct{ lister storagelisters.CSINodeLister }

func (n csiNodes) List() ([]*storagev1.CSINode, error)         { return n.lister.List(labels.Everything()) }
func (n csiNodes) Get(name string) (*storagev1.CSINode, error) { return n.lister.Get(name) }
