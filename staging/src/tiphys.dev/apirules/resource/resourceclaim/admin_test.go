package resourceclaim

import (
	"slices"
	"testing"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func fieldsOf(errs field.ErrorList) []string {
	var out []string
	for _, e := range errs {
		out = append(out, string(e.Type)+" "+e.Field)
	}
	return out
}

func TestAdminRequests(t *testing.T) {
	yes, no := true, false
	request := func(admin *bool) v1.DeviceRequest {
		return v1.DeviceRequest{Name: "a", Exactly: &v1.ExactDeviceRequest{DeviceClassName: "c", AdminAccess: admin}}
	}
	const forbidden = string(field.ErrorTypeForbidden) + " spec.devices.requests"
	for _, c := range []struct {
		name     string
		requests []v1.DeviceRequest
		want     []string
	}{
		{"unset", []v1.DeviceRequest{request(nil)}, nil},
		{"false", []v1.DeviceRequest{request(&no)}, nil},
		{"alternatives have none", []v1.DeviceRequest{{Name: "a", FirstAvailable: []v1.DeviceSubRequest{{Name: "s"}}}}, nil},
		{"second", []v1.DeviceRequest{request(nil), request(&yes)}, []string{forbidden + "[1].adminAccess"}},
	} {
		if got := fieldsOf(AdminRequests(&v1.ResourceClaimSpec{Devices: v1.DeviceClaim{Requests: c.requests}})); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAdminResults(t *testing.T) {
	yes := true
	claim := func(admin *bool) *v1.ResourceClaim {
		return &v1.ResourceClaim{Status: v1.ResourceClaimStatus{Allocation: &v1.AllocationResult{
			Devices: v1.DeviceAllocationResult{Results: []v1.DeviceRequestAllocationResult{{Request: "a", AdminAccess: admin}}}}}}
	}
	want := []string{string(field.ErrorTypeForbidden) + " status.allocation.devices.results[0].adminAccess"}
	for _, c := range []struct {
		name     string
		obj, old *v1.ResourceClaim
		want     []string
	}{
		{"newly given", claim(&yes), &v1.ResourceClaim{}, want},
		{"given for what was without", claim(&yes), claim(nil), want},
		{"had it", claim(&yes), claim(&yes), nil},
		{"without", claim(nil), &v1.ResourceClaim{}, nil},
		{"freed", &v1.ResourceClaim{}, claim(&yes), nil},
	} {
		if got := fieldsOf(AdminResults(c.obj, c.old)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAllowsAdminAccess(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "True": false, "": false, "false": false} {
		if got := AllowsAdminAccess(map[string]string{"resource.kubernetes.io/admin-access": value}); got != want {
			t.Errorf("label %q: %v", value, got)
		}
	}
	if AllowsAdminAccess(nil) {
		t.Error("no label allows it")
	}
}

func TestBindingConditionsOfResults(t *testing.T) {
	const at = "status.allocation.devices.results[0].binding"
	for _, c := range []struct {
		name             string
		binding, failure []string
		want             []string
	}{
		{"both", []string{"a"}, []string{"b"}, nil},
		{"alone", []string{"a"}, nil, []string{"FieldValueInvalid " + at + "FailureConditions"}},
		{"failure alone", nil, []string{"a"}, []string{"FieldValueInvalid " + at + "Conditions"}},
		{"overlap", []string{"a"}, []string{"a"}, []string{"FieldValueInvalid " + at + "FailureConditions[0]"}},
		{"doubled", []string{"a", "a"}, []string{"b"}, []string{"FieldValueDuplicate " + at + "Conditions[1]"}},
	} {
		old := &v1.ResourceClaim{Spec: v1.ResourceClaimSpec{Devices: v1.DeviceClaim{Requests: []v1.DeviceRequest{{Name: "a"}}}}}
		old.Name, old.Namespace, old.ResourceVersion = "c", "n", "1"
		obj := old.DeepCopy()
		obj.Status.Allocation = &v1.AllocationResult{Devices: v1.DeviceAllocationResult{Results: []v1.DeviceRequestAllocationResult{{
			Request: "a", Driver: "d", Pool: "p", Device: "x", BindingConditions: c.binding, BindingFailureConditions: c.failure}}}}
		if got := fieldsOf(ValidateStatusUpdate(obj, old)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
