package resourceslice

import (
	"slices"
	"testing"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestRequestPolicies(t *testing.T) {
	q := func(s string) *resource.Quantity { v := resource.MustParse(s); return &v }
	list := func(texts ...string) (out []resource.Quantity) {
		for _, s := range texts {
			out = append(out, resource.MustParse(s))
		}
		return out
	}
	between := func(low, high, step string) *v1.CapacityRequestPolicyRange {
		r := &v1.CapacityRequestPolicyRange{}
		if low != "" {
			r.Min = q(low)
		}
		if high != "" {
			r.Max = q(high)
		}
		if step != "" {
			r.Step = q(step)
		}
		return r
	}
	for _, c := range []struct {
		name   string
		shared bool
		policy v1.CapacityRequestPolicy
		want   []string
	}{
		{"not shared", false, v1.CapacityRequestPolicy{}, []string{"policy"}},
		{"default only", true, v1.CapacityRequestPolicy{Default: q("30")}, nil},
		{"both forms", true, v1.CapacityRequestPolicy{Default: q("1"), ValidValues: list("1"), ValidRange: between("1", "", "")}, []string{"policy"}},
		{"values without default", true, v1.CapacityRequestPolicy{ValidValues: list("1")}, []string{"policy.default"}},
		{"default elsewhere", true, v1.CapacityRequestPolicy{Default: q("3"), ValidValues: list("1")}, []string{"policy.validValues"}},
		{"values fall", true, v1.CapacityRequestPolicy{Default: q("1"), ValidValues: list("2", "1")}, []string{"policy.validValues[1]"}},
		{"value doubled", true, v1.CapacityRequestPolicy{Default: q("1"), ValidValues: list("1", "1")}, []string{"policy.validValues[1]"}},
		{"value beyond capacity", true, v1.CapacityRequestPolicy{Default: q("1"), ValidValues: list("1", "30")}, []string{"policy.validValues[1]"}},
		{"range without minimum", true, v1.CapacityRequestPolicy{Default: q("1"), ValidRange: between("", "3", "")}, []string{"policy.validRange.min"}},
		{"default below", true, v1.CapacityRequestPolicy{Default: q("2"), ValidRange: between("3", "", "")}, []string{"policy.validRange.min"}},
		{"upside down", true, v1.CapacityRequestPolicy{Default: q("5"), ValidRange: between("5", "3", "")}, []string{"policy.validRange.max", "policy.validRange.max"}},
		{"default between steps", true, v1.CapacityRequestPolicy{Default: q("2"), ValidRange: between("1", "", "3")}, []string{"policy.validRange.step"}},
		{"step of nothing", true, v1.CapacityRequestPolicy{Default: q("2"), ValidRange: between("1", "", "0")}, []string{"policy.validRange.step"}},
		{"step fits", true, v1.CapacityRequestPolicy{Default: q("4"), ValidRange: between("1", "10", "3")}, nil},
	} {
		capacity := &v1.DeviceCapacity{Value: resource.MustParse("10"), RequestPolicy: &c.policy}
		var got []string
		for _, e := range validateCapacity(capacity, c.shared, field.NewPath("x")) {
			got = append(got, e.Field[len("x.request"):])
		}
		for i := range got {
			got[i] = "p" + got[i][1:]
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
