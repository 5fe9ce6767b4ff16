package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logsapi "k8s.io/component-base/logs/api/v1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
)

// set makes a setter out of the address of a field: the field's type says how the value is read.
func set(field func(c *kubeletconfig.KubeletConfiguration) any) func(*kubeletconfig.KubeletConfiguration, string) error {
	return func(c *kubeletconfig.KubeletConfiguration, value string) error { return assign(field(c), value) }
}

func assign(target any, s string) (err error) {
	switch t := target.(type) {
	case *string:
		*t = s
	case **string:
		*t = &s
	case *[]string:
		*t = list(s)
	case *bool:
		*t, err = strconv.ParseBool(s)
	case **bool:
		var b bool
		b, err = strconv.ParseBool(s)
		*t = &b
	case *int32:
		*t, err = integer[int32](s, 32)
	case **int32:
		var n int32
		n, err = integer[int32](s, 32)
		*t = &n
	case *int64:
		*t, err = integer[int64](s, 64)
	case **int64:
		var n int64
		n, err = integer[int64](s, 64)
		*t = &n
	case *metav1.Duration:
		t.Duration, err = time.ParseDuration(s)
	case **metav1.Duration:
		var d time.Duration
		d, err = time.ParseDuration(s)
		*t = &metav1.Duration{Duration: d}
	case *map[string]string:
		*t, err = pairs(*t, s)
	case *map[string]bool:
		*t, err = gates(*t, s)
	case *map[string][]string:
		*t, err = headers(*t, s)
	case *[]v1.Taint:
		*t, err = taints(*t, s)
	case *kubeletconfig.KubeletAuthorizationMode:
		*t = kubeletconfig.KubeletAuthorizationMode(s)
	case *logsapi.VerbosityLevel:
		var n uint64
		n, err = strconv.ParseUint(s, 10, 32)
		*t = logsapi.VerbosityLevel(n)
	case *logsapi.VModuleConfiguration:
		err = logsapi.VModuleConfigurationPflag(t).Set(s)
	default:
		err = fmt.Errorf("no way to read a %T", target)
	}
	return err
}

func integer[T int32 | int64](s string, bits int) (T, error) {
	n, err := strconv.ParseInt(s, 0, bits)
	return T(n), err
}

func list(s string) []string {
	all := []string{}
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// pairs reads a=b,c=d; eviction thresholds may use a<b.
func pairs(into map[string]string, s string) (map[string]string, error) {
	if into == nil {
		into = map[string]string{}
	}
	for _, part := range list(s) {
		i := strings.IndexAny(part, "=<")
		if i <= 0 {
			return nil, fmt.Errorf("%q is not of the form key=value", part)
		}
		into[part[:i]] = part[i+1:]
	}
	return into, nil
}

func gates(into map[string]bool, s string) (map[string]bool, error) {
	all, err := pairs(nil, s)
	if err != nil {
		return nil, err
	}
	if into == nil {
		into = map[string]bool{}
	}
	for name, value := range all {
		if into[name], err = strconv.ParseBool(value); err != nil {
			return nil, fmt.Errorf("feature gate %s: %w", name, err)
		}
	}
	return into, nil
}

// headers reads name:value,name:value.
func headers(into map[string][]string, s string) (map[string][]string, error) {
	if into == nil {
		into = map[string][]string{}
	}
	for _, part := range list(s) {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			return nil, fmt.Errorf("%q is not of the form name:value", part)
		}
		into[name] = append(into[name], value)
	}
	return into, nil
}

// taints reads key[=value]:effect,...
func taints(into []v1.Taint, s string) ([]v1.Taint, error) {
	for _, part := range list(s) {
		kv, effect, ok := strings.Cut(part, ":")
		if !ok {
			return nil, fmt.Errorf("%q is not of the form key=value:effect", part)
		}
		key, value, _ := strings.Cut(kv, "=")
		into = append(into, v1.Taint{Key: key, Value: value, Effect: v1.TaintEffect(effect)})
	}
	return into, nil
}
