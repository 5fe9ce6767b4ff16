package garbagecollector

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var kind = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

func object(namespace, name string, finalizer string, owners ...string) *metav1.ObjectMeta {
	o := &metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(name)}
	yes := true
	for _, w := range owners {
		o.OwnerReferences = append(o.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: w, UID: types.UID(w), BlockOwnerDeletion: &yes})
	}
	if finalizer != "" {
		now := metav1.Now()
		o.DeletionTimestamp, o.Finalizers = &now, []string{finalizer}
	}
	return o
}

func sorted(uids []types.UID) []types.UID {
	out := slices.Clone(uids)
	slices.Sort(out)
	return slices.Compact(out)
}

func TestGraph(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []*metav1.ObjectMeta
		act    func(*graph) work
		check  []types.UID
		orphan []types.UID
		events int
	}{
		{name: "unknown owner is asked for", act: func(g *graph) work { return g.observe(kind, object("n", "d", "", "o")) }, check: []types.UID{"o"}},
		{name: "known owner needs nothing", before: []*metav1.ObjectMeta{object("n", "o", "")},
			act: func(g *graph) work { return g.observe(kind, object("n", "d", "", "o")) }},
		{name: "owner gone: dependents are checked", before: []*metav1.ObjectMeta{object("n", "o", ""), object("n", "d", "", "o"), object("n", "e", "", "o")},
			act: func(g *graph) work { return g.remove("o") }, check: []types.UID{"d", "e"}},
		{name: "foreground deletion", before: []*metav1.ObjectMeta{object("n", "o", ""), object("n", "d", "", "o")},
			act: func(g *graph) work { return g.observe(kind, object("n", "o", metav1.FinalizerDeleteDependents)) }, check: []types.UID{"d", "o"}},
		{name: "last dependent of a waiting owner goes", before: []*metav1.ObjectMeta{object("n", "o", metav1.FinalizerDeleteDependents), object("n", "d", "", "o")},
			act: func(g *graph) work { return g.remove("d") }, check: []types.UID{"o"}},
		{name: "dependent leaves a waiting owner", before: []*metav1.ObjectMeta{object("n", "o", metav1.FinalizerDeleteDependents), object("n", "d", "", "o")},
			act: func(g *graph) work { return g.observe(kind, object("n", "d", "")) }, check: []types.UID{"o"}},
		{name: "orphaning", before: []*metav1.ObjectMeta{object("n", "o", "")},
			act: func(g *graph) work { return g.observe(kind, object("n", "o", metav1.FinalizerOrphanDependents)) }, orphan: []types.UID{"o"}},
		{name: "owner in another namespace", before: []*metav1.ObjectMeta{object("m", "o", "")},
			act: func(g *graph) work { return g.observe(kind, object("n", "d", "", "o")) }, check: []types.UID{"d"}, events: 1},
		{name: "virtual owner turns out to be elsewhere", before: []*metav1.ObjectMeta{object("n", "d", "", "o")},
			act: func(g *graph) work { return g.observe(kind, object("m", "o", "")) }, check: []types.UID{"d"}},
		{name: "observed meanwhile, so not missing", before: []*metav1.ObjectMeta{object("n", "d", "", "o"), object("n", "o", "")},
			act: func(g *graph) work { return g.missing("o", true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGraph()
			for _, o := range c.before {
				g.observe(kind, o)
			}
			w := c.act(g)
			if !slices.Equal(sorted(w.check), c.check) || !slices.Equal(w.orphan, c.orphan) || len(w.invalid) != c.events {
				t.Errorf("check %v orphan %v events %d; want %v %v %d", sorted(w.check), w.orphan, len(w.invalid), c.check, c.orphan, c.events)
			}
		})
	}
}
