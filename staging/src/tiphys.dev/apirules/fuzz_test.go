package apirules_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
)

// FuzzRules reads any JSON as any kind: rules never panic, defaults filled in twice are those filled in once, and what is
// valid stays valid when nothing changes.
func FuzzRules(f *testing.F) {
	for _, m := range validManifests(f) {
		for i, k := range kinds {
			if k.gvk == m.kind.gvk {
				f.Add(uint16(i), m.data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, number uint16, data []byte) {
		k := kinds[int(number)%len(kinds)]
		obj := k.new()
		if json.Unmarshal(data, obj) != nil {
			t.Skip()
		}
		k.setDefaults(obj)
		again := obj.(runtime.Object).DeepCopyObject()
		k.setDefaults(again)
		if !equality.Semantic.DeepEqual(obj, again) {
			t.Errorf("%s: defaults filled in twice differ from once", k.gvk)
		}
		complete(k, obj)
		valid := len(k.validate(obj)) == 0
		k.warnings(obj)
		setVersion(obj)
		if errs := k.validateUpdate(obj.(runtime.Object).DeepCopyObject(), obj); valid && len(errs) > 0 {
			t.Errorf("%s: valid, but not after an update that changes nothing: %v", k.gvk, errs)
		}
		k.validateStatus(obj, again)
	})
}

// TestMutationsDoNotPanic runs the mutations that the comparison with upstream uses through all rules.
func TestMutationsDoNotPanic(t *testing.T) {
	for _, m := range validManifests(t) {
		var value any
		if err := json.Unmarshal(m.data, &value); err != nil {
			t.Fatal(err)
		}
		old := decode(t, m.kind, m.data)
		n := 0
		for name, data := range mutations(value) {
			// Each look at an admission policy builds a CEL environment, which takes long.
			if n++; strings.HasSuffix(m.kind.gvk.Kind, "AdmissionPolicy") && n%40 != 0 {
				continue
			}
			obj := m.kind.new()
			if json.Unmarshal(data, obj) != nil {
				continue
			}
			complete(m.kind, obj)
			valid := len(m.kind.validate(obj)) == 0
			m.kind.warnings(obj)
			m.kind.validateUpdate(obj, old)
			m.kind.validateUpdate(old, obj)
			m.kind.validateStatus(obj, old)
			setVersion(obj)
			if errs := m.kind.validateUpdate(obj.(runtime.Object).DeepCopyObject(), obj); valid && len(errs) > 0 {
				t.Errorf("%s %s: valid, but not after an update that changes nothing: %v", m.name, name, errs)
			}
		}
	}
}
