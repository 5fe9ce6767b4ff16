package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

func (s *Server) pods(w http.ResponseWriter, _ *http.Request) {
	list := &v1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []v1.Pod{}}
	for _, pod := range s.cfg.Pods.Pods() {
		list.Items = append(list.Items, *pod)
	}
	writeJSON(w, list)
}

// runningPods shows what the runtime runs, whether or not somebody wants it.
func (s *Server) runningPods(w http.ResponseWriter, r *http.Request) {
	list, err := s.fromRuntime(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, list)
}

func (s *Server) fromRuntime(ctx context.Context) (*v1.PodList, error) {
	running := &runtimeapi.ContainerFilter{State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}}
	containers, err := s.cfg.CRI.ListContainers(ctx, running)
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	byUID := map[string]*v1.Pod{}
	var order []string
	for _, c := range containers {
		labels := c.GetLabels()
		uid := kubelettypes.GetPodUID(labels)
		if byUID[uid] == nil {
			byUID[uid] = &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: kubelettypes.GetPodName(labels), Namespace: kubelettypes.GetPodNamespace(labels), UID: types.UID(uid)}}
			order = append(order, uid)
		}
		byUID[uid].Spec.Containers = append(byUID[uid].Spec.Containers, v1.Container{Name: kubelettypes.GetContainerName(labels), Image: c.GetImage().GetImage()})
	}
	list := &v1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []v1.Pod{}}
	for _, uid := range order {
		list.Items = append(list.Items, *byUID[uid])
	}
	return list, nil
}

// podOf finds the pod that the path names, and answers the request when there is none.
func (s *Server) podOf(w http.ResponseWriter, r *http.Request) (*v1.Pod, bool) {
	pod, ok := s.cfg.Pods.Pod(r.PathValue("namespace"), r.PathValue("pod"))
	if ok && r.PathValue("uid") != "" && string(pod.UID) != r.PathValue("uid") {
		ok = false // the pod was made anew under the same name
	}
	if !ok {
		http.Error(w, "pod does not exist", http.StatusNotFound)
	}
	return pod, ok
}

// runningContainer is the runtime's ID of the pod's container, as long as it runs.
func runningContainer(pod *v1.Pod, name string) (string, bool) {
	status, ok := containerStatus(pod, name)
	if !ok || status.State.Running == nil {
		return "", false
	}
	return bareID(status.ContainerID), true
}

func containerStatus(pod *v1.Pod, name string) (v1.ContainerStatus, bool) {
	for _, list := range [][]v1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		for _, status := range list {
			if status.Name == name {
				return status, true
			}
		}
	}
	return v1.ContainerStatus{}, false
}

// bareID drops "containerd://".
func bareID(id string) string {
	if _, bare, ok := strings.Cut(id, "://"); ok {
		return bare
	}
	return id
}

func writeJSON(w http.ResponseWriter, object any) {
	data, err := json.Marshal(object)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the client is gone if this fails
}
