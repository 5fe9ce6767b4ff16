package podstatus

import (
	"encoding/json"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func base(change func(*v1.PodStatus)) *v1.Pod {
	p := &v1.Pod{}
	p.UID, p.Name = "u", "p"
	p.Status = v1.PodStatus{Phase: v1.PodPending, QOSClass: v1.PodQOSBurstable,
		Conditions: []v1.PodCondition{{Type: "example.com/gate", Status: v1.ConditionTrue}, {Type: v1.PodReady, Status: v1.ConditionFalse}}}
	if change != nil {
		change(&p.Status)
	}
	return p
}

func TestPatchBody(t *testing.T) {
	want := v1.PodStatus{Phase: v1.PodRunning, Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}}
	cases := []struct {
		name string
		pod  *v1.Pod
		want v1.PodStatus
		body string // "" means no request
	}{
		{"difference only, guarded by the UID, others' conditions untouched", base(nil), want,
			`{"metadata":{"uid":"u"},"status":{"$setElementOrder/conditions":[{"type":"Ready"},{"type":"example.com/gate"}],"conditions":[{"status":"True","type":"Ready"}],"phase":"Running"}}`},
		{"nothing new", base(func(s *v1.PodStatus) {
			s.Phase = v1.PodRunning
			s.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}, {Type: "example.com/gate", Status: v1.ConditionTrue}}
		}), want, ""},
		{"a terminal phase is not taken back", base(func(s *v1.PodStatus) {
			s.Phase = v1.PodFailed
			s.Reason = "Evicted"
			s.Conditions = nil
		}), v1.PodStatus{Phase: v1.PodRunning}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body, changed, err := patchBody(c.pod, c.want)
			if err != nil {
				t.Fatal(err)
			}
			if !changed {
				body = nil
			}
			if c.body == "" && body == nil {
				return
			}
			var got, expected any
			_ = json.Unmarshal(body, &got)
			_ = json.Unmarshal([]byte(c.body), &expected)
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(expected)
			if string(a) != string(b) {
				t.Errorf("got  %s\nwant %s", a, b)
			}
		})
	}
}

func TestNewer(t *testing.T) {
	seen, known := base(nil), base(nil)
	seen.ResourceVersion, known.ResourceVersion = "5", "12"
	if newer(seen, known) != known {
		t.Error("the answer to our patch is later than the watch")
	}
	known.UID = "other"
	if newer(seen, known) != seen {
		t.Error("a pod of another UID is no view of this one")
	}
}
