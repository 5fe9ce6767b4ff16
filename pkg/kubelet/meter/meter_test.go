package meter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics/testutil"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

func TestMeter(t *testing.T) {
	ready := []*runtimeapi.PodSandboxStatus{{State: runtimeapi.PodSandboxState_SANDBOX_READY}, {State: runtimeapi.PodSandboxState_SANDBOX_NOTREADY}}
	m := New("n1", func() []*observe.Pod {
		return []*observe.Pod{
			{Sandboxes: ready, Containers: []*observe.Container{{State: runtimeapi.ContainerState_CONTAINER_RUNNING}, {State: runtimeapi.ContainerState_CONTAINER_EXITED}}},
			{Sandboxes: ready[1:], Containers: []*observe.Container{{State: runtimeapi.ContainerState_CONTAINER_EXITED}}},
		}
	})
	m.Called("run_podsandbox", 300*time.Millisecond, nil)
	m.Called("run_podsandbox", time.Second, errors.New("no network"))
	m.Called("start_container", time.Millisecond, nil)
	m.Started(700 * time.Millisecond)
	m.Worked("sync", time.Millisecond)
	const want = `# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.
# TYPE kubelet_node_name gauge
kubelet_node_name{node="n1"} 1
# HELP kubelet_running_containers [ALPHA] Number of containers currently running
# TYPE kubelet_running_containers gauge
kubelet_running_containers{container_state="exited"} 2
kubelet_running_containers{container_state="running"} 1
# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox
# TYPE kubelet_running_pods gauge
kubelet_running_pods 1
# HELP kubelet_runtime_operations_errors_total [ALPHA] Cumulative number of runtime operation errors by operation type.
# TYPE kubelet_runtime_operations_errors_total counter
kubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1
# HELP kubelet_runtime_operations_total [ALPHA] Cumulative number of runtime operations by operation type.
# TYPE kubelet_runtime_operations_total counter
kubelet_runtime_operations_total{operation_type="run_podsandbox"} 2
kubelet_runtime_operations_total{operation_type="start_container"} 1
# HELP kubelet_started_containers_total [ALPHA] Cumulative number of containers started
# TYPE kubelet_started_containers_total counter
kubelet_started_containers_total 1
# HELP kubelet_started_pods_errors_total [ALPHA] Cumulative number of errors when starting pods
# TYPE kubelet_started_pods_errors_total counter
kubelet_started_pods_errors_total 1
# HELP kubelet_started_pods_total [ALPHA] Cumulative number of pods started
# TYPE kubelet_started_pods_total counter
kubelet_started_pods_total 1
`
	if err := testutil.GatherAndCompare(m.Gatherer(), strings.NewReader(want), "kubelet_node_name", "kubelet_running_containers", "kubelet_running_pods",
		"kubelet_runtime_operations_errors_total", "kubelet_runtime_operations_total", "kubelet_started_containers_total",
		"kubelet_started_pods_errors_total", "kubelet_started_pods_total"); err != nil {
		t.Error(err)
	}
	all, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range all {
		names[f.GetName()] = true
	}
	for _, name := range []string{"kubelet_pod_start_duration_seconds", "kubelet_pod_worker_duration_seconds", "kubelet_runtime_operations_duration_seconds",
		"kubernetes_build_info", "process_cpu_seconds_total", "go_goroutines"} {
		if !names[name] {
			t.Errorf("%s is missing", name)
		}
	}
}
