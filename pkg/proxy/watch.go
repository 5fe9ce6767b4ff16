package proxy

import (
	"errors"
	"fmt"
	"net/netip"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// registration is a handler on an informer.
type registration struct {
	informer cache.SharedIndexInformer
	handle   cache.ResourceEventHandlerRegistration
	// required informers must have synced before the first pass.
	required bool
}

// watch connects the informers with the tracker. stop removes the handlers, so that a
// proxy that is started again in the same process is told once of each event.
func (p *Proxy) watch() (regs []registration, stop func(), err error) {
	add := func(informer cache.SharedIndexInformer, required bool, h cache.ResourceEventHandler) {
		handle, e := informer.AddEventHandler(h)
		if e != nil {
			err = errors.Join(err, e)
			return
		}
		regs = append(regs, registration{informer, handle, required})
	}
	add(p.informers.services, true, p.serviceHandler())
	add(p.informers.slices, true, p.sliceHandler())
	add(p.informers.nodes, true, p.nodeHandler())
	if p.informers.cidrs != nil {
		add(p.informers.cidrs, false, p.cidrHandler())
	}
	stop = func() {
		for _, r := range regs {
			// It fails only for an informer that has stopped, which tells nobody anything.
			_ = r.informer.RemoveEventHandler(r.handle)
		}
	}
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("watching services: %w", err)
	}
	return regs, stop, nil
}

func (p *Proxy) serviceHandler() cache.ResourceEventHandler {
	set := func(obj any) {
		if svc, ok := obj.(*v1.Service); ok {
			p.tracker.SetService(svc)
			p.changed()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    set,
		UpdateFunc: func(_, obj any) { set(obj) },
		DeleteFunc: func(obj any) {
			if svc, ok := last(obj).(*v1.Service); ok {
				p.tracker.DeleteService(types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name})
				p.changed()
			}
		},
	}
}

func (p *Proxy) sliceHandler() cache.ResourceEventHandler {
	set := func(obj any) {
		if s, ok := obj.(*discovery.EndpointSlice); ok {
			p.tracker.SetSlice(s)
			p.changed()
		}
	}
	remove := func(obj any) {
		if s, ok := last(obj).(*discovery.EndpointSlice); ok {
			p.tracker.DeleteSlice(s)
			p.changed()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: set,
		UpdateFunc: func(old, obj any) {
			a, ok1 := old.(*discovery.EndpointSlice)
			b, ok2 := obj.(*discovery.EndpointSlice)
			if ok1 && ok2 && a.Labels[discovery.LabelServiceName] != b.Labels[discovery.LabelServiceName] {
				remove(old)
			}
			set(obj)
		},
		DeleteFunc: remove,
	}
}

func (p *Proxy) nodeHandler() cache.ResourceEventHandler {
	set := func(obj any) {
		n, ok := obj.(*v1.Node)
		if !ok || n.Name != p.cfg.NodeName {
			return
		}
		desc := describeNode(n, p.nodeIPs)
		p.health.SetEligible(desc.Eligible)
		if p.tracker.SetNode(desc) {
			p.changed()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    set,
		UpdateFunc: func(_, obj any) { set(obj) },
		DeleteFunc: func(obj any) {
			// The addresses stay: services must go on as long as this process runs.
			if n, ok := last(obj).(*v1.Node); ok && n.Name == p.cfg.NodeName {
				p.health.SetEligible(false)
			}
		},
	}
}

func (p *Proxy) cidrHandler() cache.ResourceEventHandler {
	set := func(any) {
		list, err := p.cfg.ServiceCIDRs.Lister().List(labels.Everything())
		if err != nil {
			return
		}
		if p.tracker.SetServiceCIDRs(cidrs(list)) {
			p.changed()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    set,
		UpdateFunc: func(_, obj any) { set(obj) },
		DeleteFunc: set,
	}
}

func cidrs(list []*networking.ServiceCIDR) []netip.Prefix {
	var out []netip.Prefix
	for _, c := range list {
		for _, s := range c.Spec.CIDRs {
			if pfx, err := netip.ParsePrefix(s); err == nil {
				out = append(out, pfx)
			}
		}
	}
	return out
}

// last returns the object of a deletion, also of one that the watch missed.
func last(obj any) any {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		return gone.Obj
	}
	return obj
}
