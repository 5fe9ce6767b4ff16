package podworker

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
)

// environment builds the container's variables: those of services, then envFrom, then env; later ones win. order
// lists the names as they came.
func (w *worker) environment(ctx context.Context, pod *v1.Pod, c *v1.Container) (env map[string]string, order []string, err error) {
	services, err := w.serviceEnv(pod)
	if err != nil {
		return nil, nil, err
	}
	env = map[string]string{}
	set := func(name, value string) {
		if _, known := env[name]; !known {
			order = append(order, name)
		}
		env[name] = value
	}
	for _, from := range c.EnvFrom {
		if err := w.envFrom(ctx, pod, c, from, set); err != nil {
			return nil, nil, err
		}
	}
	// $(NAME) sees the variables before it, and those of services.
	visible := func() map[string]string {
		all := make(map[string]string, len(services)+len(env))
		for k, v := range services {
			all[k] = v
		}
		for k, v := range env {
			all[k] = v
		}
		return all
	}
	for i := range c.Env {
		e := &c.Env[i]
		if e.ValueFrom == nil {
			set(e.Name, expand(e.Value, visible()))
			continue
		}
		value, ok, err := w.valueFrom(ctx, pod, c, e)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			set(e.Name, value)
		}
	}
	names := make([]string, 0, len(services))
	for name := range services {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, own := env[name]; !own {
			set(name, services[name])
		}
	}
	return env, order, nil
}

func (w *worker) envFrom(ctx context.Context, pod *v1.Pod, c *v1.Container, from v1.EnvFromSource, set func(name, value string)) error {
	data := map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		optional := from.ConfigMapRef.Optional != nil && *from.ConfigMapRef.Optional
		o, err := w.m.cfg.Objects.ConfigMap(ctx, pod.Namespace, from.ConfigMapRef.Name)
		if err != nil {
			return unlessOptional(err, optional, "configmap", from.ConfigMapRef.Name)
		}
		data = o.Data
	case from.SecretRef != nil:
		optional := from.SecretRef.Optional != nil && *from.SecretRef.Optional
		o, err := w.m.cfg.Objects.Secret(ctx, pod.Namespace, from.SecretRef.Name)
		if err != nil {
			return unlessOptional(err, optional, "secret", from.SecretRef.Name)
		}
		for k, v := range o.Data {
			data[k] = string(v)
		}
	}
	var invalid []string
	keys := make([]string, 0, len(data))
	for k := range data {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		name := from.Prefix + k
		if len(validation.IsRelaxedEnvVarName(name)) > 0 {
			invalid = append(invalid, k)
			continue
		}
		set(name, data[k])
	}
	if len(invalid) > 0 {
		w.event(pod, c.Name, v1.EventTypeWarning, "InvalidEnvironmentVariableNames",
			fmt.Sprintf("Keys [%s] from the EnvFrom source were skipped since they are considered invalid environment variable names.", strings.Join(invalid, ", ")))
	}
	return nil
}

// unlessOptional makes a missing object an error only where it is required.
func unlessOptional(err error, optional bool, kind, name string) error {
	if !apierrors.IsNotFound(err) {
		return err
	}
	if optional {
		return nil
	}
	return fmt.Errorf("%s %q not found", kind, name)
}

// valueFrom resolves one variable; ok is false for an optional source that is not there.
func (w *worker) valueFrom(ctx context.Context, pod *v1.Pod, c *v1.Container, e *v1.EnvVar) (value string, ok bool, err error) {
	from := e.ValueFrom
	switch {
	case from.FieldRef != nil:
		value, err = w.podField(pod, from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err = w.resourceField(pod, c, from.ResourceFieldRef)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		optional := r.Optional != nil && *r.Optional
		o, err := w.m.cfg.Objects.ConfigMap(ctx, pod.Namespace, r.Name)
		if err != nil {
			return "", false, unlessOptional(err, optional, "configmap", r.Name)
		}
		if v, found := o.Data[r.Key]; found {
			return v, true, nil
		}
		return missingKey(optional, r.Key, "ConfigMap", pod.Namespace, r.Name)
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		optional := r.Optional != nil && *r.Optional
		o, err := w.m.cfg.Objects.Secret(ctx, pod.Namespace, r.Name)
		if err != nil {
			return "", false, unlessOptional(err, optional, "secret", r.Name)
		}
		if v, found := o.Data[r.Key]; found {
			return string(v), true, nil
		}
		return missingKey(optional, r.Key, "Secret", pod.Namespace, r.Name)
	case from.FileKeyRef != nil:
		return w.fileKey(from.FileKeyRef)
	}
	return "", false, nil
}

func missingKey(optional bool, key, kind, namespace, name string) (string, bool, error) {
	if optional {
		return "", false, nil
	}
	return "", false, fmt.Errorf("couldn't find key %s in %s %s/%s", key, kind, namespace, name)
}

// podField is the value of a downward API field.
func (w *worker) podField(pod *v1.Pod, path string) (string, error) {
	if key, ok := subscript(path, "metadata.labels"); ok {
		return pod.Labels[key], nil
	}
	if key, ok := subscript(path, "metadata.annotations"); ok {
		return pod.Annotations[key], nil
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return first(w.m.cfg.HostIPs()), nil
	case "status.hostIPs":
		return strings.Join(w.m.cfg.HostIPs(), ","), nil
	case "status.podIP":
		return first(w.podIPs(pod)), nil
	case "status.podIPs":
		return strings.Join(w.podIPs(pod), ","), nil
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

func (w *worker) podIPs(pod *v1.Pod) []string {
	if pod.Spec.HostNetwork {
		return w.m.cfg.HostIPs()
	}
	return slices.Clone(w.m.cfg.Observer.Get(w.uid).IPs())
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func subscript(path, field string) (string, bool) {
	rest, ok := strings.CutPrefix(path, field+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}
