package controllermanager

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func gibibytes(n int64) v1.ResourceList {
	return v1.ResourceList{v1.ResourceStorage: *resource.NewQuantity(n<<30, resource.BinarySI)}
}

func (c *cluster) volume(name string, size int64, class string, policy v1.PersistentVolumeReclaimPolicy, source v1.PersistentVolumeSource) {
	c.Helper()
	_, err := c.admin.CoreV1().PersistentVolumes().Create(c.Context(), &v1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.PersistentVolumeSpec{
		Capacity: gibibytes(size), AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce}, StorageClassName: class,
		PersistentVolumeReclaimPolicy: policy, PersistentVolumeSource: source}}, metav1.CreateOptions{})
	c.must(err)
}

func (c *cluster) claim(ns, name string, size int64, class string) {
	c.Helper()
	_, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Create(c.Context(), &v1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.PersistentVolumeClaimSpec{
		AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce}, StorageClassName: &class, Resources: v1.VolumeResourceRequirements{Requests: gibibytes(size)}}}, metav1.CreateOptions{})
	c.must(err)
}

// boundTo waits until claim and volume agree.
func (c *cluster) boundTo(ns, claim, volume string) {
	c.Helper()
	c.eventually("claim "+claim, func() string {
		p, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), claim, metav1.GetOptions{})
		c.must(err)
		v, err := c.admin.CoreV1().PersistentVolumes().Get(c.Context(), volume, metav1.GetOptions{})
		c.must(err)
		have := p.Status.Capacity[v1.ResourceStorage]
		if p.Spec.VolumeName != volume || p.Status.Phase != v1.ClaimBound || v.Status.Phase != v1.VolumeBound || v.Spec.ClaimRef.UID != p.UID || have.Cmp(v.Spec.Capacity[v1.ResourceStorage]) != 0 {
			return fmt.Sprintf("%q %+v %+v", p.Spec.VolumeName, p.Status, v.Status)
		}
		return ""
	})
}

func (c *cluster) volumePhase(name string, want v1.PersistentVolumePhase) {
	c.Helper()
	c.eventually("volume "+name, func() string {
		v, err := c.admin.CoreV1().PersistentVolumes().Get(c.Context(), name, metav1.GetOptions{})
		c.must(err)
		if v.Status.Phase != want {
			return fmt.Sprintf("%s, want %s", v.Status.Phase, want)
		}
		return ""
	})
}

func hostPath(path string) v1.PersistentVolumeSource {
	return v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: path}}
}

func testStaticBinding(c *cluster) {
	ns := c.namespace("binding")
	c.volume("large", 10, "manual", v1.PersistentVolumeReclaimRetain, hostPath("/x"))
	c.volume("small", 2, "manual", v1.PersistentVolumeReclaimRetain, hostPath("/x"))
	c.volumePhase("large", v1.VolumeAvailable)
	c.volumePhase("small", v1.VolumeAvailable)
	c.claim(ns, "first", 1, "manual")
	c.boundTo(ns, "first", "small")
	c.claim(ns, "second", 1, "manual")
	c.boundTo(ns, "second", "large")
	c.claim(ns, "third", 1, "manual")
	c.must(c.admin.CoreV1().PersistentVolumeClaims(ns).Delete(c.Context(), "first", metav1.DeleteOptions{}))
	c.volumePhase("small", v1.VolumeReleased)
	// What is released keeps its data and is given to nobody.
	c.volume("late", 1, "manual", v1.PersistentVolumeReclaimRetain, hostPath("/x"))
	c.boundTo(ns, "third", "late")
	c.must(c.admin.CoreV1().PersistentVolumes().Delete(c.Context(), "late", metav1.DeleteOptions{}))
	v, err := c.admin.CoreV1().PersistentVolumes().Get(c.Context(), "late", metav1.GetOptions{})
	c.must(err)
	if v.DeletionTimestamp == nil {
		c.Error("the bound volume is not held")
	}
	c.must(c.admin.CoreV1().PersistentVolumeClaims(ns).Delete(c.Context(), "third", metav1.DeleteOptions{}))
	c.eventually("volume gone with its claim", func() string {
		_, err := c.admin.CoreV1().PersistentVolumes().Get(c.Context(), "late", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "there " + text(err)
	})
}

func testProvisioning(c *cluster) {
	ns := c.namespace("provisioning")
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	for name, mode := range map[string]*storagev1.VolumeBindingMode{"at-once": nil, "waiting": &wait} {
		_, err := c.admin.StorageV1().StorageClasses().Create(c.Context(), &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "example.com/p", VolumeBindingMode: mode}, metav1.CreateOptions{})
		c.must(err)
	}
	asked := func(name string) {
		c.Helper()
		c.eventually(name+" asks", func() string {
			p, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), name, metav1.GetOptions{})
			c.must(err)
			if p.Annotations["volume.kubernetes.io/storage-provisioner"] != "example.com/p" || p.Status.Phase != v1.ClaimPending {
				return fmt.Sprintf("%v %v", p.Annotations, p.Status.Phase)
			}
			return ""
		})
	}
	c.claim(ns, "waiting", 1, "waiting")
	c.claim(ns, "now", 1, "at-once")
	asked("now")
	p, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "waiting", metav1.GetOptions{})
	c.must(err)
	if p.Annotations["volume.kubernetes.io/storage-provisioner"] != "" {
		c.Error("the claim did not wait for its first consumer")
	}
	_, err = c.admin.CoreV1().PersistentVolumeClaims(ns).Patch(c.Context(), "waiting", types.MergePatchType, []byte(`{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"node-1"}}}`), metav1.PatchOptions{})
	c.must(err)
	asked("waiting")
	// The part of the external provisioner.
	now, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "now", metav1.GetOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().PersistentVolumes().Create(c.Context(), &v1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pvc-now", Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "example.com/p"}},
		Spec: v1.PersistentVolumeSpec{Capacity: gibibytes(1), AccessModes: now.Spec.AccessModes, StorageClassName: "at-once", PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			ClaimRef:               &v1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: ns, Name: "now", UID: now.UID},
			PersistentVolumeSource: v1.PersistentVolumeSource{CSI: &v1.CSIPersistentVolumeSource{Driver: "example.com", VolumeHandle: "h"}}}}, metav1.CreateOptions{})
	c.must(err)
	c.boundTo(ns, "now", "pvc-now")
	c.must(c.admin.CoreV1().PersistentVolumeClaims(ns).Delete(c.Context(), "now", metav1.DeleteOptions{}))
	c.volumePhase("pvc-now", v1.VolumeReleased)
}

func testRecycling(c *cluster) {
	ns := c.namespace("recycling")
	c.volume("used", 1, "recycled", v1.PersistentVolumeReclaimRecycle, hostPath("/x"))
	c.claim(ns, "a", 1, "recycled")
	c.boundTo(ns, "a", "used")
	c.must(c.admin.CoreV1().PersistentVolumeClaims(ns).Delete(c.Context(), "a", metav1.DeleteOptions{}))
	// It is scrubbed again when somebody else wrote the volume meanwhile.
	c.eventually("scrubbed", func() string {
		_, err := c.admin.CoreV1().Pods("default").Patch(c.Context(), "recycler-for-used", types.StrategicMergePatchType, []byte(`{"status":{"phase":"Succeeded"}}`), metav1.PatchOptions{}, "status")
		v, failed := c.admin.CoreV1().PersistentVolumes().Get(c.Context(), "used", metav1.GetOptions{})
		c.must(failed)
		if v.Status.Phase != v1.VolumeAvailable {
			return fmt.Sprintf("%s %s", v.Status.Phase, text(err))
		}
		return ""
	})
	c.claim(ns, "b", 1, "recycled")
	c.boundTo(ns, "b", "used")
}

func testClaimInUse(c *cluster) {
	ns := c.namespace("in-use")
	c.volume("held", 1, "held", v1.PersistentVolumeReclaimRetain, hostPath("/x"))
	c.claim(ns, "held", 1, "held")
	c.boundTo(ns, "held", "held")
	c.mounting(ns, "user", v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "held"}})
	c.must(c.admin.CoreV1().PersistentVolumeClaims(ns).Delete(c.Context(), "held", metav1.DeleteOptions{}))
	p, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "held", metav1.GetOptions{})
	c.must(err)
	if p.DeletionTimestamp == nil {
		c.Error("not being deleted")
	}
	c.must(c.admin.CoreV1().Pods(ns).Delete(c.Context(), "user", metav1.DeleteOptions{}))
	c.eventually("claim gone", func() string {
		_, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "held", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "there " + text(err)
	})
}

// mounting runs a pod with one volume.
func (c *cluster) mounting(ns, name string, source v1.VolumeSource) {
	c.Helper()
	spec := template("a").Spec
	spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: source}}
	_, err := c.admin.CoreV1().Pods(ns).Create(c.Context(), &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("pod "+name+" runs", func() string {
		p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), name, metav1.GetOptions{})
		c.must(err)
		if p.Status.Phase != v1.PodRunning {
			return string(p.Status.Phase)
		}
		return ""
	})
}

func testEphemeralVolume(c *cluster) {
	ns, class := c.namespace("ephemeral"), "none"
	c.mounting(ns, "p", v1.VolumeSource{Ephemeral: &v1.EphemeralVolumeSource{VolumeClaimTemplate: &v1.PersistentVolumeClaimTemplate{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"l": "x"}},
		Spec: v1.PersistentVolumeClaimSpec{AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce}, StorageClassName: &class,
			Resources: v1.VolumeResourceRequirements{Requests: gibibytes(1)}}}}})
	c.eventually("claim", func() string {
		p, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "p-v", metav1.GetOptions{})
		if err == nil && (p.Labels["l"] != "x" || metav1.GetControllerOf(p) == nil) {
			return fmt.Sprintf("%+v", p.ObjectMeta)
		}
		return text(err)
	})
	c.must(c.admin.CoreV1().Pods(ns).Delete(c.Context(), "p", metav1.DeleteOptions{}))
	c.eventually("claim gone with its pod", func() string {
		_, err := c.admin.CoreV1().PersistentVolumeClaims(ns).Get(c.Context(), "p-v", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "there " + text(err)
	})
}

func testAttach(c *cluster) {
	ns := c.namespace("attach")
	_, err := c.admin.CoreV1().Nodes().Patch(c.Context(), "node-1", types.MergePatchType, []byte(`{"metadata":{"annotations":{"volumes.kubernetes.io/controller-managed-attach-detach":"true"}}}`), metav1.PatchOptions{})
	c.must(err)
	c.volume("disk", 1, "csi", v1.PersistentVolumeReclaimRetain, v1.PersistentVolumeSource{CSI: &v1.CSIPersistentVolumeSource{Driver: "disk.example.com", VolumeHandle: "h1"}})
	c.claim(ns, "disk", 1, "csi")
	c.boundTo(ns, "disk", "disk")
	c.mounting(ns, "user", v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "disk"}})
	var name string
	attachments := func() string {
		l, err := c.admin.StorageV1().VolumeAttachments().List(c.Context(), metav1.ListOptions{})
		c.must(err)
		var names []string
		for _, a := range l.Items {
			names = append(names, a.Name)
			name = a.Name
		}
		return strings.Join(names, " ")
	}
	c.eventually("attachment", func() string {
		if attachments() == "" {
			return "none"
		}
		return ""
	})
	// The name that kubelets compute: sha256 of handle, driver, node.
	if want := "csi-6c5989693df5441e028209cf71eb55b013447f508a2bff9654b9aea602aac12f"; name != want {
		c.Errorf("name %s, want %s", name, want)
	}
	_, err = c.admin.StorageV1().VolumeAttachments().Patch(c.Context(), name, types.MergePatchType, []byte(`{"status":{"attached":true}}`), metav1.PatchOptions{}, "status")
	c.must(err)
	listed := func(want string) {
		c.Helper()
		c.eventually("volumesAttached", func() string {
			n, err := c.admin.CoreV1().Nodes().Get(c.Context(), "node-1", metav1.GetOptions{})
			c.must(err)
			have := ""
			for _, v := range n.Status.VolumesAttached {
				have += string(v.Name)
			}
			if have != want {
				return have
			}
			return ""
		})
	}
	const unique = "kubernetes.io/csi/disk.example.com^h1"
	listed(unique)
	inUse := func(list string) {
		_, err := c.admin.CoreV1().Nodes().Patch(c.Context(), "node-1", types.MergePatchType, []byte(`{"status":{"volumesInUse":`+list+`}}`), metav1.PatchOptions{}, "status")
		c.must(err)
	}
	inUse(`["` + unique + `"]`)
	c.must(c.admin.CoreV1().Pods(ns).Delete(c.Context(), "user", metav1.DeleteOptions{}))
	c.eventually("pod gone", func() string {
		_, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "user", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "there " + text(err)
	})
	if attachments() == "" {
		c.Error("detached while the node has the volume in use")
	}
	inUse(`[]`)
	listed("")
	c.eventually("detached", attachments)
}
