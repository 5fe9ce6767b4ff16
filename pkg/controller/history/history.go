package history

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"

	"tiphys.dev/tiphys/pkg/controller/ownership"
)

// Keeper reads and writes the revisions of owners of one kind.
type Keeper struct {
	Client    kubernetes.Interface
	Revisions appslisters.ControllerRevisionLister
	OwnerKind schema.GroupVersionKind
	// Fresh returns the owner from the API server, before anything is adopted.
	Fresh func(ctx context.Context, namespace, name string) (metav1.Object, error)
}

// Owner is what a revision needs to know of the object it belongs to.
type Owner struct {
	Object     metav1.Object
	Selector   *metav1.LabelSelector
	Template   *v1.PodTemplateSpec
	Collisions *int32
}

// List returns the owner's revisions, oldest first.
func (k Keeper) List(ctx context.Context, o Owner) ([]*appsv1.ControllerRevision, error) {
	selector, err := metav1.LabelSelectorAsSelector(o.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	all, err := k.Revisions.ControllerRevisions(o.Object.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	mine, err := ownership.Claimer[*appsv1.ControllerRevision]{
		Owner: o.Object, OwnerKind: k.OwnerKind, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return k.Fresh(ctx, o.Object.GetNamespace(), o.Object.GetName())
		},
		Patch: func(ctx context.Context, r *appsv1.ControllerRevision, patch []byte) error {
			_, err := k.Client.AppsV1().ControllerRevisions(r.Namespace).Patch(ctx, r.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}.Claim(ctx, all)
	slices.SortFunc(mine, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return mine, err
}

// Current returns the revision of the owner's present template: an equal one, which becomes the newest, or a new one. It
// returns true when a name collided, and the owner's collision count must grow before the next attempt.
func (k Keeper) Current(ctx context.Context, o Owner, have []*appsv1.ControllerRevision) (current *appsv1.ControllerRevision, collided bool, err error) {
	data, err := patchOf(o.Template)
	if err != nil {
		return nil, false, err
	}
	next := int64(1)
	if len(have) > 0 {
		next = have[len(have)-1].Revision + 1
	}
	for i, r := range slices.Backward(have) {
		if !sameData(r.Data.Raw, data) {
			continue
		}
		if i == len(have)-1 || r.Revision == next-1 {
			return r, false, nil
		}
		bumped := *r
		bumped.Revision = next
		current, err = k.Client.AppsV1().ControllerRevisions(r.Namespace).Update(ctx, &bumped, metav1.UpdateOptions{})
		if err != nil {
			return nil, false, fmt.Errorf("renewing revision %s: %w", r.Name, err)
		}
		return current, false, nil
	}
	return k.create(ctx, o, data, next)
}

func (k Keeper) create(ctx context.Context, o Owner, data []byte, revision int64) (*appsv1.ControllerRevision, bool, error) {
	hash := hashOf(data, o.Collisions)
	r := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name: o.Object.GetName() + "-" + hash, Namespace: o.Object.GetNamespace(), Labels: maps.Clone(o.Template.Labels),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(o.Object, k.OwnerKind)},
		},
		Data: runtime.RawExtension{Raw: data}, Revision: revision,
	}
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.Labels[appsv1.ControllerRevisionHashLabelKey] = hash
	made, err := k.Client.AppsV1().ControllerRevisions(r.Namespace).Create(ctx, r, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		if err != nil {
			return nil, false, fmt.Errorf("creating revision %s: %w", r.Name, err)
		}
		return made, false, nil
	}
	live, err := k.Client.AppsV1().ControllerRevisions(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return nil, false, fmt.Errorf("reading revision %s that already exists: %w", r.Name, err)
	}
	if metav1.IsControlledBy(live, o.Object) && sameData(live.Data.Raw, data) {
		return live, false, nil // made by ourselves; the cache does not show it yet
	}
	return nil, true, nil
}

// Truncate deletes the oldest revisions beyond the limit, except those in use.
func (k Keeper) Truncate(ctx context.Context, have []*appsv1.ControllerRevision, limit *int32, inUse func(*appsv1.ControllerRevision) bool) error {
	keep := 10
	if limit != nil {
		keep = int(*limit)
	}
	idle := slices.DeleteFunc(slices.Clone(have), inUse)
	for _, r := range idle[:max(0, len(idle)-keep)] {
		err := k.Client.AppsV1().ControllerRevisions(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting old revision %s: %w", r.Name, err)
		}
	}
	return nil
}

// Template returns the pod template that the revision holds.
func Template(r *appsv1.ControllerRevision) (*v1.PodTemplateSpec, error) {
	var holder struct {
		Spec struct {
			Template v1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(r.Data.Raw, &holder); err != nil {
		return nil, fmt.Errorf("reading revision %s: %w", r.Name, err)
	}
	return &holder.Spec.Template, nil
}

// Hash is the label value of the revision.
func Hash(r *appsv1.ControllerRevision) string {
	return r.Labels[appsv1.ControllerRevisionHashLabelKey]
}

func patchOf(t *v1.PodTemplateSpec) ([]byte, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	var template map[string]any
	if err := json.Unmarshal(body, &template); err != nil {
		return nil, err
	}
	template["$patch"] = "replace"
	return json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
}

// sameData compares contents; an absent and a null creationTimestamp, which older encoders wrote, are the same.
func sameData(a, b []byte) bool {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	dropNulls(x)
	dropNulls(y)
	return reflect.DeepEqual(x, y)
}

func dropNulls(m map[string]any) {
	for k, v := range m {
		if v == nil {
			delete(m, k)
		} else if inner, ok := v.(map[string]any); ok {
			dropNulls(inner)
		}
	}
}

func hashOf(data []byte, collisions *int32) string {
	h := fnv.New32a()
	_, _ = h.Write(data) // never fails
	if collisions != nil {
		_, _ = h.Write([]byte(strconv.Itoa(int(*collisions))))
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(h.Sum32()), 10))
}
