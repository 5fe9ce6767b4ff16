package table

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Column describes one column.
type Column = metav1.TableColumnDefinition

// Name is the first column of nearly every table.
var Name = Column{Name: "Name", Type: "string", Format: "name", Description: metav1.ObjectMeta{}.SwaggerDoc()["name"]}

// Age is the usual last one.
var Age = Text("Age", metav1.ObjectMeta{}.SwaggerDoc()["creationTimestamp"])

// Text is a column of strings.
func Text(name, description string) Column {
	return Column{Name: name, Type: "string", Description: description}
}

// Number is a column of integers.
func Number(name, description string) Column {
	return Column{Name: name, Type: "integer", Description: description}
}

// Wide makes a column one that only "kubectl get -o wide" shows.
func Wide(c Column) Column {
	c.Priority = 1
	return c
}

type convertor[T runtime.Object] struct {
	resource   schema.GroupResource
	columns    []Column
	row        func(T) []any
	conditions func(T) []metav1.TableRowCondition
}

// New makes the convertor of a resource. Without columns a table has the name and the creation time.
func New[T runtime.Object](resource schema.GroupResource, columns []Column, row func(T) []any, conditions func(T) []metav1.TableRowCondition) rest.TableConvertor {
	if len(columns) == 0 {
		return rest.NewDefaultTableConvertor(resource)
	}
	return &convertor[T]{resource, columns, row, conditions}
}

// ConvertToTable implements rest.TableConvertor.
func (c *convertor[T]) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	var out metav1.Table
	if o, ok := options.(*metav1.TableOptions); !ok || !o.NoHeaders {
		out.ColumnDefinitions = c.columns
	}
	add := func(item runtime.Object) error {
		o, ok := item.(T)
		if !ok {
			return unsupported{c.resource}
		}
		r := metav1.TableRow{Cells: c.row(o), Object: runtime.RawExtension{Object: item}}
		if c.conditions != nil {
			r.Conditions = c.conditions(o)
		}
		out.Rows = append(out.Rows, r)
		return nil
	}
	if m, err := meta.ListAccessor(obj); err == nil && meta.IsListType(obj) {
		out.ResourceVersion = m.GetResourceVersion()
		out.Continue = m.GetContinue()
		out.RemainingItemCount = m.GetRemainingItemCount()
		out.Rows = make([]metav1.TableRow, 0, meta.LenList(obj))
		return &out, meta.EachListItem(obj, add)
	}
	if m, err := meta.CommonAccessor(obj); err == nil {
		out.ResourceVersion = m.GetResourceVersion()
	}
	return &out, add(obj)
}

type unsupported struct{ resource schema.GroupResource }

func (e unsupported) Error() string {
	return fmt.Sprintf("the resource %s does not support being converted to a Table", e.resource)
}

// Status makes the error a 406, as the API documents it.
func (e unsupported) Status() metav1.Status {
	return metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotAcceptable, Reason: metav1.StatusReason("NotAcceptable"), Message: e.Error()}
}

var _ errors.APIStatus = unsupported{}

// Since prints how long ago t was, as "5m" or "3d2h"; an unset time prints as <unknown>.
func Since(t metav1.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Since(t.Time))
}

// SinceMicro is Since for a time of microseconds.
func SinceMicro(t metav1.MicroTime) string { return Since(metav1.Time(t)) }

// Until prints how far in the future t is.
func Until(t metav1.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Until(t.Time))
}

// OrNone prints an empty text as <none>.
func OrNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}

// Join joins the parts with commas; nothing prints as <none>.
func Join(parts []string) string { return OrNone(strings.Join(parts, ",")) }

// Selector prints a label selector; an empty one as <none>.
func Selector(s *metav1.LabelSelector) string {
	if s == nil {
		return "<none>"
	}
	return OrNone(formatSelector(s))
}

func formatSelector(s *metav1.LabelSelector) string {
	text := metav1.FormatLabelSelector(s)
	if text == "<none>" {
		return ""
	}
	return text
}
