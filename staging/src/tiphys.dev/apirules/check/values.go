package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Messages that several kinds give in the same words.
const (
	NotNegative     = "must be greater than or equal to 0"
	GreaterThanZero = "must be greater than zero"
	NotInteger      = "must be an integer"
)

// Messages turns the answers of a name or format check into errors at one field.
func Messages(path *field.Path, value any, messages []string) field.ErrorList {
	var errs field.ErrorList
	for _, m := range messages {
		errs = append(errs, field.Invalid(path, value, m))
	}
	return errs
}

// OneOf wants one of the allowed words, which are told in the order given. The empty word counts as any other that is not allowed.
func OneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if slices.Contains(allowed, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}

// RequiredOneOf wants a word to be given, and to be one of those allowed.
func RequiredOneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return OneOf(path, value, allowed...)
}

// NonNegative wants zero or more.
func NonNegative[N ~int32 | ~int64 | ~int](path *field.Path, value N) field.ErrorList {
	if value < 0 {
		return field.ErrorList{field.Invalid(path, int64(value), NotNegative).WithOrigin("minimum")}
	}
	return nil
}

// NonNegativePointer wants zero or more where a number is given.
func NonNegativePointer[N ~int32 | ~int64](path *field.Path, value *N) field.ErrorList {
	if value == nil {
		return nil
	}
	return NonNegative(path, *value)
}

// Positive wants one or more.
func Positive[N ~int32 | ~int64](path *field.Path, value N) field.ErrorList {
	if value <= 0 {
		return field.ErrorList{field.Invalid(path, int64(value), "must be greater than 0")}
	}
	return nil
}

// Port wants a port number, 1 to 65535.
func Port(path *field.Path, port int32) field.ErrorList {
	return Messages(path, port, validation.IsValidPortNum(int(port)))
}

// PortNumberOrName wants a port number or the name of one.
func PortNumberOrName(path *field.Path, port intstr.IntOrString) field.ErrorList {
	switch port.Type {
	case intstr.Int:
		return Messages(path, port.IntValue(), validation.IsValidPortNum(port.IntValue()))
	case intstr.String:
		return Messages(path, port.StrVal, validation.IsValidPortName(port.StrVal))
	default:
		return field.ErrorList{field.InternalError(path, fmt.Errorf("unknown type: %v", port.Type))}
	}
}

// NonNegativeQuantity wants zero or more of something.
func NonNegativeQuantity(path *field.Path, q resource.Quantity) field.ErrorList {
	if q.Sign() < 0 {
		return field.ErrorList{field.Invalid(path, q.String(), NotNegative)}
	}
	return nil
}

// PositiveQuantity wants more than nothing of something.
func PositiveQuantity(path *field.Path, q resource.Quantity) field.ErrorList {
	if q.Sign() <= 0 {
		return field.ErrorList{field.Invalid(path, q.String(), GreaterThanZero)}
	}
	return nil
}

// DNSLabel wants a name such as "my-name".
func DNSLabel(path *field.Path, value string) field.ErrorList {
	return Messages(path, value, validation.IsDNS1123Label(value))
}

// DNSSubdomain wants a name such as "my.example.com".
func DNSSubdomain(path *field.Path, value string) field.ErrorList {
	return Messages(path, value, validation.IsDNS1123Subdomain(value))
}

// QualifiedName wants a name with an optional DNS prefix, such as "example.com/my-name".
func QualifiedName(path *field.Path, value string) field.ErrorList {
	return Messages(path, value, validation.IsQualifiedName(value))
}

// RelativePath wants a path that stays below where it starts.
func RelativePath(path *field.Path, value string) field.ErrorList {
	var errs field.ErrorList
	if strings.HasPrefix(value, "/") {
		errs = append(errs, field.Invalid(path, value, "must be a relative path"))
	}
	return append(errs, NoBacksteps(path, value)...)
}

// NoBacksteps wants no ".." among the elements of a path. Only "/" separates: whether "\" does is up to the node.
func NoBacksteps(path *field.Path, value string) field.ErrorList {
	if slices.Contains(strings.Split(value, "/"), "..") {
		return field.ErrorList{field.Invalid(path, value, "must not contain '..'")}
	}
	return nil
}

// RelativeFile wants a relative path that is also safe to be a file the node itself creates.
func RelativeFile(path *field.Path, value string) field.ErrorList {
	errs := RelativePath(path, value)
	// Every payload directory has "..data" and timestamped siblings, which are the node's own.
	if strings.HasPrefix(value, "..") && !strings.HasPrefix(value, "../") {
		errs = append(errs, field.Invalid(path, value, "must not start with '..'"))
	}
	return errs
}

var percent = regexp.MustCompile(`^[0-9]+%$`)

// IntOrPercent wants a whole number that is not negative, or a percentage.
func IntOrPercent(path *field.Path, value intstr.IntOrString) field.ErrorList {
	switch value.Type {
	case intstr.Int:
		return NonNegative(path, int64(value.IntValue()))
	case intstr.String:
		if !percent.MatchString(value.StrVal) {
			return Messages(path, value, validation.IsValidPercent(value.StrVal))
		}
		return nil
	default:
		return field.ErrorList{field.Invalid(path, value, "must be an integer or percentage (e.g '5%%')")}
	}
}

// NotMoreThanHundredPercent wants a percentage, if it is one, of 100 at most.
func NotMoreThanHundredPercent(path *field.Path, value intstr.IntOrString) field.ErrorList {
	if n, ok := Percent(value); ok && n > 100 {
		return field.ErrorList{field.Invalid(path, value, "must not be greater than 100%")}
	}
	return nil
}

// Percent reads the number of a percentage.
func Percent(value intstr.IntOrString) (int, bool) {
	if value.Type != intstr.String || !percent.MatchString(value.StrVal) {
		return 0, false
	}
	n := 0
	for _, c := range strings.TrimSuffix(value.StrVal, "%") {
		if n = n*10 + int(c-'0'); n > 1_000_000 {
			break
		}
	}
	return n, true
}

// NoSlash wants a name without "/".
func NoSlash(path *field.Path, value string) field.ErrorList {
	if strings.Contains(value, "/") {
		return field.ErrorList{field.Invalid(path, value, "must not contain '/'")}
	}
	return nil
}
