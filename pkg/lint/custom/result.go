package custom

import (
	"context"
	"encoding/json"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	kjson "sigs.k8s.io/json"
)

// Result is what a server says of an object.
type Result struct {
	// Undecodable is why it cannot be read at all.
	Undecodable error
	// Unknown are fields that strict decoding refuses.
	Unknown []error
	// Causes are why validation refuses it.
	Causes   []metav1.StatusCause
	Warnings []string
}

// recorder collects warnings.
type recorder struct{ texts []string }

// AddWarning keeps the text; the agent is only for the wire.
func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

// suffix stands for what a server appends to generateName.
const suffix = "xxxxx"

// create takes an object through the steps of a create before it is stored.
func create(strategy rest.RESTCreateStrategy, obj runtime.Object, meta metav1.Object, r *Result) {
	rest.WipeObjectMetaSystemFields(meta)
	rest.FillObjectMetaSystemFields(meta)
	if meta.GetName() == "" && meta.GetGenerateName() != "" {
		meta.SetName(meta.GetGenerateName() + suffix)
	}
	namespace := ""
	if strategy.NamespaceScoped() {
		if namespace = meta.GetNamespace(); namespace == "" {
			namespace = metav1.NamespaceDefault
		}
	}
	warnings := &recorder{}
	ctx := warning.WithWarningRecorder(genericrequest.WithNamespace(context.Background(), namespace), warnings)
	err := rest.BeforeCreate(strategy, ctx, obj)
	r.Warnings = append(r.Warnings, warnings.texts...)
	var status *apierrors.StatusError
	switch {
	case err == nil:
	case errors.As(err, &status) && status.ErrStatus.Details != nil && len(status.ErrStatus.Details.Causes) > 0:
		r.Causes = status.ErrStatus.Details.Causes
	default:
		r.Undecodable = err
	}
}

// read decodes a value strictly.
func read(value map[string]any, into any, r *Result) bool {
	data, err := json.Marshal(value)
	if err == nil {
		r.Unknown, err = kjson.UnmarshalStrict(data, into)
	}
	r.Undecodable = err
	return err == nil
}
