package garbagecollector

import (
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// identity is where an object lives. Kind and API version are the server's for an observed object, and the reference's for a
// virtual one.
type identity struct {
	APIVersion, Kind, Namespace, Name string
	UID                               types.UID
}

// group and kind decide identity; an object is the same one in every version of its API.
func (i identity) groupKind() schema.GroupKind {
	gv, err := schema.ParseGroupVersion(i.APIVersion)
	if err != nil {
		return schema.GroupKind{Kind: i.Kind}
	}
	return gv.WithKind(i.Kind).GroupKind()
}

// meantBy tells whether a reference in an object of that namespace really names this object. A cluster-scoped owner may be
// named from everywhere.
func (i identity) meantBy(ref metav1.OwnerReference, namespace string) bool {
	r := identity{APIVersion: ref.APIVersion, Kind: ref.Kind}
	return i.UID == ref.UID && i.Name == ref.Name && i.groupKind() == r.groupKind() && (i.Namespace == "" || i.Namespace == namespace)
}

// node is one object in the graph. All fields are guarded by graph.mu.
type node struct {
	identity
	owners     []metav1.OwnerReference
	dependents map[types.UID]*node
	virtual    bool // named by a dependent, not observed yet
	deleting   bool
	// foreground: being deleted, and waiting for its dependents to go first.
	foreground bool
	orphaning  bool
}

// graph is the ownership graph. Its methods return the UIDs that must be looked at because of the change.
type graph struct {
	mu    sync.Mutex
	nodes map[types.UID]*node
}

func newGraph() *graph { return &graph{nodes: map[types.UID]*node{}} }

// work is what a change of the graph leads to.
type work struct {
	check   []types.UID // may have to be deleted, or have dependents to wait for
	orphan  []types.UID
	invalid []invalidOwner
}

// invalidOwner is a reference across namespaces, which users are told about by an event.
type invalidOwner struct {
	dependent identity
	ref       metav1.OwnerReference
}

// observe takes over the state of an object as the server has it.
func (g *graph) observe(gvk schema.GroupVersionKind, o metav1.Object) (w work) {
	g.mu.Lock()
	defer g.mu.Unlock()
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	id := identity{APIVersion: apiVersion, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID()}
	n := g.nodes[id.UID]
	if n == nil {
		n = &node{identity: id, dependents: map[types.UID]*node{}}
		g.nodes[id.UID] = n
	} else if n.virtual {
		n.identity, n.virtual = id, false
		for _, d := range n.dependents { // those that meant another object are without owner
			if !namedBy(id, d) {
				w.check = append(w.check, d.UID)
			}
		}
	}
	g.setOwners(n, o.GetOwnerReferences(), &w)
	g.setDeletion(n, o, &w)
	return w
}

func namedBy(owner identity, dependent *node) bool {
	return slices.ContainsFunc(dependent.owners, func(r metav1.OwnerReference) bool { return owner.meantBy(r, dependent.Namespace) })
}

func (g *graph) setOwners(n *node, refs []metav1.OwnerReference, w *work) {
	if slices.EqualFunc(n.owners, refs, sameRef) {
		return
	}
	before := n.owners
	n.owners = slices.Clone(refs)
	for _, r := range before {
		i := slices.IndexFunc(refs, func(s metav1.OwnerReference) bool { return s.UID == r.UID })
		owner := g.nodes[r.UID]
		if owner == nil || i >= 0 && blocks(refs[i]) == blocks(r) {
			continue
		}
		if i < 0 {
			delete(owner.dependents, n.UID)
			g.dropUnused(owner)
		}
		if owner.foreground { // it may have waited for just this
			w.check = append(w.check, owner.UID)
		}
	}
	for _, r := range refs {
		g.link(n, r, w)
	}
}

// link connects a dependent with one owner, making a virtual node when the owner is not known.
func (g *graph) link(n *node, r metav1.OwnerReference, w *work) {
	owner := g.nodes[r.UID]
	if owner == nil {
		owner = &node{
			identity:   identity{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: n.Namespace, Name: r.Name, UID: r.UID},
			dependents: map[types.UID]*node{}, virtual: true,
		}
		g.nodes[r.UID] = owner
		w.check = append(w.check, r.UID)
	}
	if owner.dependents[n.UID] == n {
		return
	}
	owner.dependents[n.UID] = n
	switch {
	case !owner.virtual && !owner.meantBy(r, n.Namespace):
		if owner.Namespace != "" && owner.Namespace != n.Namespace {
			w.invalid = append(w.invalid, invalidOwner{n.identity, r})
		}
		w.check = append(w.check, n.UID)
	case owner.foreground: // a dependent that came late
		w.check = append(w.check, n.UID)
	}
}

func (g *graph) setDeletion(n *node, o metav1.Object, w *work) {
	deleting := o.GetDeletionTimestamp() != nil
	foreground := deleting && slices.Contains(o.GetFinalizers(), metav1.FinalizerDeleteDependents)
	orphaning := deleting && slices.Contains(o.GetFinalizers(), metav1.FinalizerOrphanDependents)
	if orphaning && !n.orphaning {
		w.orphan = append(w.orphan, n.UID)
	}
	if foreground && !n.foreground {
		w.check = append(w.check, n.UID)
		for uid := range n.dependents {
			w.check = append(w.check, uid)
		}
	}
	n.deleting, n.foreground, n.orphaning = deleting, foreground, orphaning
}

// remove takes an object out that no longer exists, and queues those that depended on it and those that waited for it.
func (g *graph) remove(uid types.UID) work {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(g.nodes[uid])
}

// missing is remove for an object that the API server does not find, asked with coordinates the graph held. A virtual node
// that has been observed meanwhile stays: it was looked for in the wrong place.
func (g *graph) missing(uid types.UID, virtual bool) work {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.nodes[uid]; n != nil && n.virtual == virtual {
		return g.take(n)
	}
	return work{}
}

func (g *graph) take(n *node) (w work) {
	if n == nil {
		return w
	}
	uid := n.UID
	delete(g.nodes, uid)
	for d := range n.dependents {
		w.check = append(w.check, d)
	}
	for _, r := range n.owners {
		owner := g.nodes[r.UID]
		if owner == nil {
			continue
		}
		delete(owner.dependents, uid)
		g.dropUnused(owner)
		if owner.foreground {
			w.check = append(w.check, owner.UID)
		}
	}
	return w
}

// dropUnused forgets a virtual node that nobody names any more: nothing will ever be heard of it.
func (g *graph) dropUnused(n *node) {
	if n.virtual && len(n.dependents) == 0 {
		delete(g.nodes, n.UID)
	}
}

// relink connects an object again with owners whose nodes went away as virtual although they exist.
func (g *graph) relink(uid types.UID) (w work) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.nodes[uid]; n != nil {
		for _, r := range n.owners {
			if g.nodes[r.UID] == nil {
				g.link(n, r, &w)
			}
		}
	}
	return w
}

// snapshot is a copy of a node that can be used without the lock.
type snapshot struct {
	identity
	virtual, deleting, foreground, orphaning bool
	dependents                               []dependent
}

type dependent struct {
	identity
	blocks     bool // its reference to the owner has blockOwnerDeletion
	foreground bool
}

func (g *graph) get(uid types.UID) (snapshot, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.nodes[uid]
	if n == nil {
		return snapshot{}, false
	}
	s := snapshot{identity: n.identity, virtual: n.virtual, deleting: n.deleting, foreground: n.foreground, orphaning: n.orphaning}
	for _, d := range n.dependents {
		s.dependents = append(s.dependents, dependent{d.identity, slices.ContainsFunc(d.owners, func(r metav1.OwnerReference) bool {
			return blocks(r) && r.UID == uid && (n.virtual || n.meantBy(r, d.Namespace))
		}), d.foreground})
	}
	return s, true
}

// owner tells what the graph knows about the object a reference names: seen is false when only the API server can tell.
func (g *graph) owner(r metav1.OwnerReference, namespace string) (seen, foreground bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.nodes[r.UID]
	if n == nil || n.virtual || !n.meantBy(r, namespace) {
		return false, false
	}
	return true, n.foreground
}

func blocks(r metav1.OwnerReference) bool {
	return r.BlockOwnerDeletion != nil && *r.BlockOwnerDeletion
}

func sameRef(a, b metav1.OwnerReference) bool {
	return a.UID == b.UID && a.Name == b.Name && a.Kind == b.Kind && a.APIVersion == b.APIVersion && blocks(a) == blocks(b)
}
