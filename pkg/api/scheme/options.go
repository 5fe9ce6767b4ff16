package scheme

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
)

// registerOptions lets the query of a connect or log request fill the option kind that describes it.
func registerOptions(s *runtime.Scheme) error {
	for _, kind := range []any{
		(*corev1.PodLogOptions)(nil), (*corev1.PodAttachOptions)(nil), (*corev1.PodExecOptions)(nil),
		(*corev1.PodPortForwardOptions)(nil), (*corev1.PodProxyOptions)(nil), (*corev1.NodeProxyOptions)(nil),
		(*corev1.ServiceProxyOptions)(nil),
	} {
		err := s.AddConversionFunc((*url.Values)(nil), kind, func(in, out any, _ conversion.Scope) error {
			return decodeQuery(*in.(*url.Values), out)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeQuery fills the fields of the struct that into points to from the parameters of their JSON names. A parameter
// that is absent leaves its field alone; one without a value sets a bool to true, as "?follow" does.
func decodeQuery(query url.Values, into any) error {
	target := reflect.ValueOf(into).Elem()
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		values, present := query[name]
		if name == "" || !present || len(values) == 0 {
			continue
		}
		if err := setField(target.Field(i), values); err != nil {
			return err // clients know this text without the parameter's name
		}
	}
	return nil
}

func setField(field reflect.Value, values []string) error {
	switch p := field.Addr().Interface().(type) {
	case *bool:
		*p = parseBool(values[0])
	case *string:
		*p = values[0]
	case **string:
		*p = &values[0]
	case *[]string:
		*p = values
	case **int64:
		n, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil {
			return err
		}
		*p = &n
	case *[]int32:
		*p = nil
		for _, v := range values {
			n, err := strconv.ParseUint(v, 10, 16)
			if err != nil {
				return fmt.Errorf("cannot convert to []int32: %w", err)
			}
			*p = append(*p, int32(n))
		}
	case **metav1.Time:
		t := &metav1.Time{}
		if err := t.UnmarshalQueryParameter(values[0]); err != nil {
			return err
		}
		*p = t
	default:
		return fmt.Errorf("no rule for a parameter of type %s", field.Type())
	}
	return nil
}

// parseBool follows the API's convention: only "false" and "0", in any case, are false.
func parseBool(v string) bool {
	return !strings.EqualFold(v, "false") && v != "0"
}
