package podsource

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the API's own: defaults and validation of pods.
type Rules struct {
	SetDefaults func(pod *v1.Pod)
	Validate    func(pod *v1.Pod) field.ErrorList
	Decoder     runtime.Decoder
}

// decode reads a manifest: one Pod, or a list of them.
func (r Rules) decode(data []byte) ([]*v1.Pod, error) {
	o, _, err := r.Decoder.Decode(data, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	switch t := o.(type) {
	case *v1.Pod:
		return []*v1.Pod{t}, nil
	case *v1.PodList:
		var all []*v1.Pod
		for i := range t.Items {
			all = append(all, &t.Items[i])
		}
		return all, nil
	}
	return nil, fmt.Errorf("decoding: expected a Pod or PodList, got %T", o)
}

// complete makes a manifest's pod one that can run: identity, place, defaults. source is "file" or "http", origin the
// path or URL.
func (r Rules) complete(pod *v1.Pod, nodeName, source, origin string, now time.Time) (*v1.Pod, error) {
	if pod.Name == "" {
		return nil, fmt.Errorf("pod without name")
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	if pod.UID == "" {
		raw, err := json.Marshal(pod)
		if err != nil {
			return nil, err
		}
		sum := sha256.New()
		fmt.Fprintf(sum, "host:%s\n%s:%s\n", nodeName, source, origin)
		sum.Write(raw)
		pod.UID = types.UID(hex.EncodeToString(sum.Sum(nil))[:32])
	}
	pod.Name = pod.Name + "-" + strings.ToLower(nodeName)
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	pod.Spec.NodeName = nodeName
	pod.ResourceVersion, pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = "", nil, nil
	pod.Annotations[AnnotationSource] = source
	pod.Annotations[AnnotationHash] = string(pod.UID)
	pod.Annotations[AnnotationSeen] = now.Format(time.RFC3339Nano)
	// A static pod belongs to its node: no taint drives it away.
	tolerated := false
	for _, t := range pod.Spec.Tolerations {
		tolerated = tolerated || t.Key == "" && t.Operator == v1.TolerationOpExists && t.Effect == v1.TaintEffectNoExecute
	}
	if !tolerated {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, v1.Toleration{Operator: v1.TolerationOpExists, Effect: v1.TaintEffectNoExecute})
	}
	if r.SetDefaults != nil {
		r.SetDefaults(pod)
	}
	pod.Status = v1.PodStatus{Phase: v1.PodPending}
	if err := selfContained(pod); err != nil {
		return nil, err
	}
	if r.Validate != nil {
		if errs := r.Validate(pod); len(errs) > 0 {
			return nil, fmt.Errorf("invalid pod: %w", errs.ToAggregate())
		}
	}
	return pod, nil
}

// selfContained refuses what a static pod cannot have: references to API objects.
func selfContained(pod *v1.Pod) error {
	if pod.Spec.ServiceAccountName != "" {
		return fmt.Errorf("static pods may not reference a ServiceAccount")
	}
	if len(pod.Spec.EphemeralContainers) > 0 {
		return fmt.Errorf("static pods may not have ephemeral containers")
	}
	for _, v := range pod.Spec.Volumes {
		if v.ConfigMap != nil || v.Secret != nil || v.PersistentVolumeClaim != nil || v.Projected != nil && referencing(v.Projected) {
			return fmt.Errorf("static pods may not reference API objects: volume %s", v.Name)
		}
	}
	return nil
}

func referencing(p *v1.ProjectedVolumeSource) bool {
	for _, s := range p.Sources {
		if s.ConfigMap != nil || s.Secret != nil || s.ServiceAccountToken != nil || s.ClusterTrustBundle != nil {
			return true
		}
	}
	return false
}
