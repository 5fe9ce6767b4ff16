package volumebinder

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Recycler says how volumes are scrubbed; the flags --pv-recycler-* .
type Recycler struct {
	// NFS and HostPath are the pods that scrub, of which the controller sets name, volume and deadline.
	NFS, HostPath Scrubber
}

// Scrubber is one kind of recycling pod.
type Scrubber struct {
	Template *v1.Pod
	// Minimum seconds it may take, and seconds for each GiB when that is more.
	Minimum, Increment int64
}

// DefaultScrub empties what is mounted at /scrub, and fails when something is left.
func DefaultScrub() *v1.Pod {
	return &v1.Pod{Spec: v1.PodSpec{
		RestartPolicy: v1.RestartPolicyNever,
		Volumes:       []v1.Volume{{Name: "vol"}},
		Containers: []v1.Container{{Name: "pv-recycler", Image: "registry.k8s.io/build-image/debian-base:bookworm-v1.0.4", Command: []string{"/bin/sh"},
			Args:         []string{"-c", "test -e /scrub && find /scrub -mindepth 1 -delete && test -z \"$(ls -A /scrub)\" || exit 1"},
			VolumeMounts: []v1.VolumeMount{{Name: "vol", MountPath: "/scrub"}}}},
	}}
}

const recyclerPrefix = "recycler-for-"

func (c *Controller) recyclerChanged(p *v1.Pod) {
	if name, ok := strings.CutPrefix(p.Name, recyclerPrefix); ok && p.Namespace == metav1.NamespaceDefault {
		c.volumeQueue.Enqueue(worker.Key{Name: name})
	}
}

// recycle follows the scrubbing pod: makes it, waits for its end, frees the volume.
func (c *Controller) recycle(ctx context.Context, v *v1.PersistentVolume) error {
	if v.Status.Phase == v1.VolumeFailed {
		return nil // an administrator's turn
	}
	want, err := c.scrubber(v)
	if err != nil {
		return c.reclaimFailed(ctx, v, "VolumeFailedRecycle", err.Error())
	}
	pods := c.client.CoreV1().Pods(want.Namespace)
	pod, err := c.pods.Pods(want.Namespace).Get(want.Name)
	if apierrors.IsNotFound(err) {
		if _, err := pods.Create(ctx, want, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating the recycling pod: %w", err)
		}
		return nil
	}
	if err != nil || pod.DeletionTimestamp != nil {
		return err
	}
	if pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
		return nil
	}
	// The pod first: one that is left over would be taken for the scrubbing of the next claim's data.
	if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the recycling pod: %w", err)
	}
	if pod.Status.Phase == v1.PodFailed {
		return c.reclaimFailed(ctx, v, "VolumeFailedRecycle", "recycle failed: "+pod.Status.Message)
	}
	c.events.Event(v, v1.EventTypeNormal, "VolumeRecycled", "Volume recycled")
	return c.unbind(ctx, v)
}

// scrubber is the pod for the volume. Only what can be emptied from any node can be recycled.
func (c *Controller) scrubber(v *v1.PersistentVolume) (*v1.Pod, error) {
	var s Scrubber
	switch {
	case v.Spec.NFS != nil:
		s = c.cfg.Recycler.NFS
	case v.Spec.HostPath != nil:
		s = c.cfg.Recycler.HostPath
	default:
		return nil, fmt.Errorf("no volume plugin of volume %q can recycle it", v.Name)
	}
	pod := s.Template
	if pod == nil {
		pod = DefaultScrub()
	} else {
		pod = pod.DeepCopy()
	}
	if len(pod.Spec.Volumes) == 0 {
		return nil, fmt.Errorf("the recycling pod's template has no volume")
	}
	pod.Name, pod.GenerateName, pod.Namespace = recyclerPrefix+v.Name, "", metav1.NamespaceDefault
	pod.Spec.Volumes[0].VolumeSource = v1.VolumeSource{NFS: v.Spec.NFS, HostPath: v.Spec.HostPath}
	size := v.Spec.Capacity[v1.ResourceStorage]
	seconds := max(1, s.Minimum, s.Increment*(size.Value()>>30))
	pod.Spec.ActiveDeadlineSeconds = &seconds
	return pod, nil
}
