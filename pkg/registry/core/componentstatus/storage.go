package componentstatus

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/tiphys/pkg/registry/table"
)

// REST answers get and list.
type REST struct {
	rest.TableConvertor
	components []Component
}

var (
	_ rest.Lister             = &REST{}
	_ rest.Getter             = &REST{}
	_ rest.Scoper             = &REST{}
	_ rest.ShortNamesProvider = &REST{}
)

// New makes the storage of componentstatuses.
func New(components []Component) *REST {
	return &REST{table.New(schema.GroupResource{Resource: "componentstatuses"}, columns, row, nil), components}
}

// New implements rest.Storage.
func (r *REST) New() runtime.Object { return &corev1.ComponentStatus{} }

// NewList implements rest.Lister.
func (r *REST) NewList() runtime.Object { return &corev1.ComponentStatusList{} }

// Destroy implements rest.Storage.
func (r *REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r *REST) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (r *REST) GetSingularName() string { return "componentstatus" }

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"cs"} }

// List implements rest.Lister. All components that are wanted are asked at once.
func (r *REST) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	var wanted []Component
	for _, c := range r.components {
		if selected(c.Name, options) {
			wanted = append(wanted, c)
		}
	}
	list := &corev1.ComponentStatusList{Items: make([]corev1.ComponentStatus, len(wanted))}
	var wait sync.WaitGroup
	for i, c := range wanted {
		wait.Go(func() { list.Items[i] = status(ctx, c) })
	}
	wait.Wait()
	return list, nil
}

func selected(name string, options *internalversion.ListOptions) bool {
	if options == nil {
		return true
	}
	// A status carries no labels.
	if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set{}) {
		return false
	}
	return options.FieldSelector == nil || options.FieldSelector.Matches(fields.Set{"metadata.name": name, "metadata.namespace": ""})
}

// Get implements rest.Getter.
func (r *REST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	for _, c := range r.components {
		if c.Name == name {
			s := status(ctx, c)
			return &s, nil
		}
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "componentstatus"}, name)
}

func status(ctx context.Context, c Component) corev1.ComponentStatus {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	condition := corev1.ComponentCondition{Type: corev1.ComponentHealthy, Status: corev1.ConditionTrue}
	message, err := c.Check(ctx)
	if err != nil {
		condition.Status, message = corev1.ConditionFalse, err.Error()
	}
	condition.Message = message
	return corev1.ComponentStatus{ObjectMeta: metav1.ObjectMeta{Name: c.Name}, Conditions: []corev1.ComponentCondition{condition}}
}

var columns = []table.Column{
	table.Name, table.Text("Status", "Status of the component conditions"), table.Text("Message", "Message of the component conditions"),
	table.Text("Error", "Error of the component conditions"),
}

func row(o *corev1.ComponentStatus) []any {
	health, message, failure := "Unknown", "", ""
	for _, c := range o.Conditions {
		if c.Type != corev1.ComponentHealthy {
			continue
		}
		message, failure = c.Message, c.Error
		switch c.Status {
		case corev1.ConditionTrue:
			health = "Healthy"
		case corev1.ConditionFalse:
			health = "Unhealthy"
		}
		break
	}
	return []any{o.Name, health, message, failure}
}
