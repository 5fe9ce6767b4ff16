package pod

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestStatusReports(t *testing.T) {
	old := &v1.Pod{Spec: v1.PodSpec{NodeName: "n", Containers: []v1.Container{{Name: "c"}}}, Status: v1.PodStatus{QOSClass: v1.PodQOSBestEffort}}
	sick := []v1.ResourceStatus{{Name: "claim:a", Resources: []v1.ResourceHealth{{ResourceID: "a", Health: "Odd"}}}}
	for _, c := range []struct {
		name   string
		change func(*v1.Pod)
		want   []string
	}{
		{"nothing", func(*v1.Pod) {}, nil},
		{"other class", func(p *v1.Pod) { p.Status.QOSClass = v1.PodQOSBurstable }, []string{"status.qosClass"}},
		{"nominated though bound", func(p *v1.Pod) { p.Status.NominatedNodeName = "m" }, []string{"status.nominatedNodeName"}},
		{"unknown health", func(p *v1.Pod) {
			p.Status.ContainerStatuses = []v1.ContainerStatus{{Name: "c", AllocatedResourcesStatus: sick}}
		}, []string{"status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health"}},
		{"devices of an ephemeral container", func(p *v1.Pod) {
			p.Status.EphemeralContainerStatuses = []v1.ContainerStatus{{Name: "e", AllocatedResourcesStatus: sick}}
		}, []string{"status.ephemeralContainerStatuses[0].allocatedResourcesStatus"}},
		{"claim for another container", func(p *v1.Pod) {
			p.Status.ExtendedResourceClaimStatus = &v1.PodExtendedResourceClaimStatus{ResourceClaimName: "a",
				RequestMappings: []v1.ContainerExtendedResourceRequest{{ContainerName: "x", RequestName: "r"}}}
		}, []string{"status.extendedResourceClaimStatus.requestMappings[0].containerName"}},
	} {
		obj := old.DeepCopy()
		c.change(obj)
		var got []string
		for _, e := range ValidateStatusUpdate(obj, old) {
			if e.Field != "metadata.resourceVersion" {
				got = append(got, e.Field)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: errors at %v, want %v", c.name, got, c.want)
		}
	}
}
