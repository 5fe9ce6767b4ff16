package lint

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"tiphys.dev/tiphys/pkg/lint/custom"
)

// verdict is what a server says of an object.
type verdict struct {
	// undecodable is why the object cannot be read at all; field is where.
	undecodable error
	field       string
	// unknown are fields that strict decoding refuses.
	unknown []error
	// refused is why validation refuses it.
	refused []metav1.StatusCause
	// forbidden are refusals without a cause in the API's sense, by field.
	forbidden map[string]string
	warnings  []string
}

func causes(gvk schema.GroupVersionKind, name string, errs field.ErrorList) []metav1.StatusCause {
	if len(errs) == 0 {
		return nil
	}
	var status *apierrors.StatusError
	if !errors.As(error(apierrors.NewInvalid(gvk.GroupKind(), name, errs)), &status) {
		return nil
	}
	return status.ErrStatus.Details.Causes
}

func fromCustom(r custom.Result) verdict {
	return verdict{undecodable: r.Undecodable, unknown: r.Unknown, refused: r.Causes, warnings: r.Warnings}
}

// tell adds a verdict to the report, with its lines.
func (c *checker) tell(o *object, v verdict) {
	for _, d := range duplicates(o.root, "") {
		f := o.finding(Error, d.path)
		f.Line, f.Message = o.first+d.line-1, `duplicate field "`+d.path+`"`
		c.report.add(f)
	}
	if v.undecodable != nil {
		f := o.finding(Error, v.field)
		f.Message = v.undecodable.Error()
		c.report.add(f)
	}
	for _, err := range v.unknown {
		f := o.finding(Error, unknownField(err))
		f.Message = err.Error()
		c.report.add(f)
	}
	for _, cause := range v.refused {
		at := strings.TrimPrefix(cause.Field, noField)
		f := o.finding(Error, at)
		f.Type, f.Message = string(cause.Type), cause.Message
		f.Line = o.lineOfValue(at, cause.Message)
		c.report.add(f)
	}
	for at, message := range v.forbidden {
		f := o.finding(Error, at)
		f.Message = message
		c.report.add(f)
	}
	// A server says each only once.
	for _, w := range unique(v.warnings) {
		f := o.finding(Warning, fieldOf(w))
		f.Message = w
		c.report.add(f)
	}
}

// noField is how a missing path is printed.
const noField = "<nil>"

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

// unknownField is the path in an error of strict decoding.
func unknownField(err error) string {
	var f kjson.FieldError
	if errors.As(err, &f) {
		return f.FieldPath()
	}
	if m := quoted.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}

// fieldOf is the path with which many warnings begin.
func fieldOf(warning string) string {
	path, _, found := strings.Cut(warning, ": ")
	if !found || strings.ContainsAny(path, " \"") {
		return ""
	}
	return path
}
