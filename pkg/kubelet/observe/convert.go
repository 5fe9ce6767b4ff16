package observe

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

func nanos(n int64) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// convert turns a runtime's answer into a Container; sandboxID comes from the list, the status does not carry it.
func convert(s *runtimeapi.ContainerStatus, sandboxID string) *Container {
	c := &Container{
		ID: s.Id, Name: s.Labels[kubelettypes.KubernetesContainerNameLabel], SandboxID: sandboxID,
		PodUID: types.UID(s.Labels[kubelettypes.KubernetesPodUIDLabel]), State: s.State,
		CreatedAt: nanos(s.CreatedAt), StartedAt: nanos(s.StartedAt), FinishedAt: nanos(s.FinishedAt),
		ExitCode: s.ExitCode, Reason: s.Reason, Message: s.Message,
		ImageRef: s.ImageRef, ImageID: s.ImageId, Hash: s.Annotations[AnnotationHash], LogPath: s.LogPath,
		Labels: s.Labels, Annotations: s.Annotations, StopSignal: s.StopSignal,
	}
	if s.Metadata != nil {
		c.Attempt = s.Metadata.Attempt
		if c.Name == "" {
			c.Name = s.Metadata.Name
		}
	}
	if s.Image != nil {
		c.Image = s.Image.UserSpecifiedImage
		if c.Image == "" {
			c.Image = s.Image.Image
		}
	}
	if s.Resources != nil {
		c.Resources = s.Resources.Linux
	}
	if s.User != nil {
		c.User = s.User.Linux
	}
	if c.State == runtimeapi.ContainerState_CONTAINER_EXITED {
		c.Message = terminationMessage(s)
	}
	return c
}
