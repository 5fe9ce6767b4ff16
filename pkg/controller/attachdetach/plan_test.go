package attachdetach

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	vol := volume{pv: "pv", driver: "d", handle: "h"}
	name := attachmentName("h", "d", "n")
	node := func(status v1.ConditionStatus, inUse bool, taints ...v1.Taint) *v1.Node {
		n := &v1.Node{Spec: v1.NodeSpec{Taints: taints}, Status: v1.NodeStatus{Conditions: []v1.NodeCondition{{Type: v1.NodeReady, Status: status}},
			VolumesAttached: []v1.AttachedVolume{{Name: vol.unique()}}}}
		if inUse {
			n.Status.VolumesInUse = []v1.UniqueVolumeName{vol.unique()}
		}
		return n
	}
	have := map[string]attached{name: {object: &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: storagev1.VolumeAttachmentStatus{Attached: true}}, volume: vol, known: true}}
	want := map[string]volume{name: vol}
	gone := v1.Taint{Key: v1.TaintNodeOutOfService, Effect: v1.TaintEffectNoExecute}
	for _, tc := range []struct {
		name                                string
		node                                *v1.Node
		wanted                              map[string]volume
		attached                            map[string]attached
		elsewhere, shared, noForce          bool
		unwantedFor                         time.Duration
		create, blocked, deletes, listedLen int
		again                               time.Duration
	}{
		{name: "wanted", node: node(v1.ConditionTrue, false), wanted: want, create: 1},
		{name: "on another node still", node: node(v1.ConditionTrue, false), wanted: want, elsewhere: true, blocked: 1},
		{name: "on another node too", node: node(v1.ConditionTrue, false), wanted: want, elsewhere: true, shared: true, create: 1},
		{name: "attached and wanted", node: node(v1.ConditionTrue, true), wanted: want, attached: have, listedLen: 1},
		{name: "no longer wanted, in use", node: node(v1.ConditionTrue, true), attached: have, listedLen: 1},
		{name: "no longer wanted, not in use", node: node(v1.ConditionTrue, false), attached: have, deletes: 1},
		{name: "unhealthy node waits", node: node(v1.ConditionUnknown, true), attached: have, unwantedFor: 2 * time.Minute, listedLen: 1, again: 4 * time.Minute},
		{name: "unhealthy node is forced", node: node(v1.ConditionUnknown, true), attached: have, unwantedFor: 7 * time.Minute, deletes: 1},
		{name: "unless that is forbidden", node: node(v1.ConditionUnknown, true), attached: have, unwantedFor: 7 * time.Minute, noForce: true, listedLen: 1},
		{name: "out of service", node: node(v1.ConditionUnknown, true, gone), attached: have, deletes: 1},
		{name: "no node", attached: have, deletes: 1},
		{name: "no node, still wanted", attached: nil, wanted: want},
	} {
		v := vol
		v.shared = tc.shared
		wanted := map[string]volume{}
		for k := range tc.wanted {
			wanted[k] = v
		}
		p := decide(observed{node: tc.node, wanted: wanted, attached: tc.attached, elsewhere: func(volume) bool { return tc.elsewhere },
			unwanted: func(string) time.Time { return now.Add(-tc.unwantedFor) }, force: !tc.noForce, now: now})
		if len(p.create) != tc.create || len(p.blocked) != tc.blocked || len(p.delete) != tc.deletes || len(p.listed) != tc.listedLen || p.again != tc.again {
			t.Errorf("%s: %+v", tc.name, p)
		}
		if tc.node != nil && p.write != (tc.listedLen == 0) {
			t.Errorf("%s: write %v", tc.name, p.write)
		}
	}
}
