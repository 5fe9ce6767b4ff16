package node

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// index finds out which objects the pods of a node refer to.
type index struct {
	pods, volumes, attachments, slices cache.Indexer
}

const (
	byNodeRef    = "authz.node.ref"
	byPodClaim   = "authz.node.claim"
	byAttachment = "authz.node.attachment"
)

func newIndex(i informers.SharedInformerFactory) (*index, error) {
	pods := i.Core().V1().Pods().Informer()
	if err := pods.AddIndexers(cache.Indexers{byNodeRef: podRefs}); err != nil {
		return nil, fmt.Errorf("indexing pods by what they refer to: %w", err)
	}
	volumes := i.Core().V1().PersistentVolumes().Informer()
	if err := volumes.AddIndexers(cache.Indexers{byPodClaim: volumeRefs}); err != nil {
		return nil, fmt.Errorf("indexing volumes by claim: %w", err)
	}
	attachments := i.Storage().V1().VolumeAttachments().Informer()
	err := attachments.AddIndexers(cache.Indexers{byAttachment: func(obj any) ([]string, error) {
		a, ok := obj.(*storagev1.VolumeAttachment)
		if !ok {
			return nil, fmt.Errorf("unexpected type %T", obj)
		}
		return []string{a.Spec.NodeName + "\n" + a.Name}, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("indexing volume attachments: %w", err)
	}
	return &index{
		pods: pods.GetIndexer(), volumes: volumes.GetIndexer(), attachments: attachments.GetIndexer(),
		slices: i.Resource().V1().ResourceSlices().Informer().GetIndexer(),
	}, nil
}

// refKey names an object as seen from a node.
func refKey(node, resource, namespace, name string) string {
	return node + "\n" + resource + "\n" + namespace + "/" + name
}

func podRefs(obj any) ([]string, error) {
	pod, ok := obj.(*v1.Pod)
	if !ok {
		return nil, fmt.Errorf("unexpected type %T", obj)
	}
	// A mirror pod is the kubelet's own picture of a file: were it to count, a kubelet could grant itself anything.
	if pod.Spec.NodeName == "" || pod.Annotations[v1.MirrorPodAnnotationKey] != "" {
		return nil, nil
	}
	var keys []string
	add := func(resource, namespace, name string) {
		if name != "" {
			keys = append(keys, refKey(pod.Spec.NodeName, resource, namespace, name))
		}
	}
	add("pods", pod.Namespace, pod.Name)
	add("serviceaccounts", pod.Namespace, pod.Spec.ServiceAccountName)
	for _, s := range pod.Spec.ImagePullSecrets {
		add("secrets", pod.Namespace, s.Name)
	}
	eachContainerRef(&pod.Spec, func(resource, name string) { add(resource, pod.Namespace, name) })
	for i := range pod.Spec.Volumes {
		eachVolumeRef(pod, &pod.Spec.Volumes[i], func(resource, name string) { add(resource, pod.Namespace, name) })
	}
	for i := range pod.Spec.ResourceClaims {
		if name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i]); err == nil && name != nil {
			add("resourceclaims", pod.Namespace, *name)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func eachContainerRef(spec *v1.PodSpec, f func(resource, name string)) {
	visit := func(env []v1.EnvVar, from []v1.EnvFromSource) {
		for _, e := range env {
			if e.ValueFrom == nil {
				continue
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				f("secrets", r.Name)
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				f("configmaps", r.Name)
			}
		}
		for _, e := range from {
			if e.SecretRef != nil {
				f("secrets", e.SecretRef.Name)
			}
			if e.ConfigMapRef != nil {
				f("configmaps", e.ConfigMapRef.Name)
			}
		}
	}
	for i := range spec.InitContainers {
		visit(spec.InitContainers[i].Env, spec.InitContainers[i].EnvFrom)
	}
	for i := range spec.Containers {
		visit(spec.Containers[i].Env, spec.Containers[i].EnvFrom)
	}
	for i := range spec.EphemeralContainers {
		visit(spec.EphemeralContainers[i].Env, spec.EphemeralContainers[i].EnvFrom)
	}
}

func eachVolumeRef(pod *v1.Pod, v *v1.Volume, f func(resource, name string)) {
	secret := func(r *v1.LocalObjectReference) {
		if r != nil {
			f("secrets", r.Name)
		}
	}
	switch {
	case v.Secret != nil:
		f("secrets", v.Secret.SecretName)
	case v.ConfigMap != nil:
		f("configmaps", v.ConfigMap.Name)
	case v.PersistentVolumeClaim != nil:
		f("persistentvolumeclaims", v.PersistentVolumeClaim.ClaimName)
	case v.Ephemeral != nil:
		f("persistentvolumeclaims", pod.Name+"-"+v.Name)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				f("secrets", s.Secret.Name)
			}
			if s.ConfigMap != nil {
				f("configmaps", s.ConfigMap.Name)
			}
		}
	case v.CSI != nil:
		secret(v.CSI.NodePublishSecretRef)
	case v.AzureFile != nil:
		f("secrets", v.AzureFile.SecretName)
	case v.CephFS != nil:
		secret(v.CephFS.SecretRef)
	case v.Cinder != nil:
		secret(v.Cinder.SecretRef)
	case v.FlexVolume != nil:
		secret(v.FlexVolume.SecretRef)
	case v.RBD != nil:
		secret(v.RBD.SecretRef)
	case v.ScaleIO != nil:
		secret(v.ScaleIO.SecretRef)
	case v.ISCSI != nil:
		secret(v.ISCSI.SecretRef)
	case v.StorageOS != nil:
		secret(v.StorageOS.SecretRef)
	}
}

// volumeRefs indexes a bound volume by its own name and by the secrets it needs.
func volumeRefs(obj any) ([]string, error) {
	pv, ok := obj.(*v1.PersistentVolume)
	if !ok {
		return nil, fmt.Errorf("unexpected type %T", obj)
	}
	if pv.Spec.ClaimRef == nil {
		return nil, nil
	}
	keys := []string{"persistentvolumes\n/" + pv.Name}
	secret := func(r *v1.SecretReference) {
		if r == nil {
			return
		}
		namespace := r.Namespace
		if namespace == "" {
			namespace = pv.Spec.ClaimRef.Namespace
		}
		keys = append(keys, "secrets\n"+namespace+"/"+r.Name)
	}
	s := &pv.Spec.PersistentVolumeSource
	switch {
	case s.CSI != nil:
		secret(s.CSI.NodePublishSecretRef)
		secret(s.CSI.NodeStageSecretRef)
		secret(s.CSI.NodeExpandSecretRef)
	case s.AzureFile != nil:
		namespace := ""
		if s.AzureFile.SecretNamespace != nil {
			namespace = *s.AzureFile.SecretNamespace
		}
		secret(&v1.SecretReference{Name: s.AzureFile.SecretName, Namespace: namespace})
	case s.CephFS != nil:
		secret(s.CephFS.SecretRef)
	case s.Cinder != nil:
		secret(s.Cinder.SecretRef)
	case s.FlexVolume != nil:
		secret(s.FlexVolume.SecretRef)
	case s.RBD != nil:
		secret(s.RBD.SecretRef)
	case s.ScaleIO != nil:
		secret(s.ScaleIO.SecretRef)
	case s.ISCSI != nil:
		secret(s.ISCSI.SecretRef)
	}
	return keys, nil
}

// refers tells whether a pod on the node refers to the object, directly or through a claim and its volume.
func (x *index) refers(node, resource, namespace, name string) bool {
	if x.has(x.pods, byNodeRef, refKey(node, resource, namespace, name)) {
		return true
	}
	if resource != "secrets" && resource != "persistentvolumes" {
		return false
	}
	found, err := x.volumes.ByIndex(byPodClaim, resource+"\n"+namespace+"/"+name)
	if err != nil {
		return false
	}
	for _, obj := range found {
		claim := obj.(*v1.PersistentVolume).Spec.ClaimRef
		if x.has(x.pods, byNodeRef, refKey(node, "persistentvolumeclaims", claim.Namespace, claim.Name)) {
			return true
		}
	}
	return false
}

func (x *index) has(in cache.Indexer, name, key string) bool {
	keys, err := in.IndexKeys(name, key)
	return err == nil && len(keys) > 0
}

func (x *index) attached(node, attachment string) bool {
	return x.has(x.attachments, byAttachment, node+"\n"+attachment)
}

// slice returns whether the resource slice is one of the node's.
func (x *index) slice(node, name string) bool {
	obj, ok, err := x.slices.GetByKey(name)
	if err != nil || !ok {
		return false
	}
	s := obj.(*resourcev1.ResourceSlice)
	return s.Spec.NodeName != nil && *s.Spec.NodeName == node
}
