package ownership

import (
	"context"
	"errors"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func TestClaim(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
	owner := func(uid string, deleting bool) *metav1.ObjectMeta {
		m := &metav1.ObjectMeta{Namespace: "ns", Name: "rs", UID: types.UID(uid)}
		if deleting {
			now := metav1.Now()
			m.DeletionTimestamp = &now
		}
		return m
	}
	pod := func(label, controller string) *v1.Pod {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "p-uid", Labels: map[string]string{"app": label}}}
		if controller != "" {
			p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner(controller, false), gvk)}
		}
		return p
	}
	for _, c := range []struct {
		name         string
		owner, fresh *metav1.ObjectMeta
		pod          *v1.Pod
		owned        bool
		patch        string // a part of it
		fails        bool
	}{
		{name: "owned and matching", owner: owner("1", false), pod: pod("a", "1"), owned: true},
		{name: "owned by another", owner: owner("1", false), pod: pod("a", "2")},
		{name: "owned, no longer matching: released", owner: owner("1", false), pod: pod("b", "1"), patch: `"$patch":"delete"`},
		{name: "owned, no longer matching, owner goes: left", owner: owner("1", true), pod: pod("b", "1")},
		{name: "orphan, matching: adopted", owner: owner("1", false), fresh: owner("1", false), pod: pod("a", ""), owned: true, patch: `"controller":true`},
		{name: "orphan, matching, owner goes", owner: owner("1", true), pod: pod("a", "")},
		{name: "orphan, owner replaced", owner: owner("1", false), fresh: owner("2", false), pod: pod("a", ""), fails: true},
		{name: "orphan, owner goes but cache is old", owner: owner("1", false), fresh: owner("1", true), pod: pod("a", ""), fails: true},
		{name: "orphan, not matching", owner: owner("1", false), pod: pod("b", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var patch string
			got, err := Claimer[*v1.Pod]{
				Owner: c.owner, OwnerKind: gvk, Selector: labels.SelectorFromSet(labels.Set{"app": "a"}),
				Fresh: func(context.Context) (metav1.Object, error) {
					if c.fresh == nil {
						return nil, errors.New("must not ask")
					}
					return c.fresh, nil
				},
				Patch: func(_ context.Context, _ *v1.Pod, p []byte) error { patch = string(p); return nil },
			}.Claim(t.Context(), []*v1.Pod{c.pod})
			if (len(got) == 1) != c.owned || (err != nil) != c.fails || (patch == "") != (c.patch == "") || !strings.Contains(patch, c.patch) {
				t.Errorf("owned %v, error %v, patch %s", len(got) == 1, err, patch)
			}
			if patch != "" && !strings.Contains(patch, `"uid":"p-uid"`) {
				t.Errorf("patch without the UID: %s", patch)
			}
		})
	}
}
