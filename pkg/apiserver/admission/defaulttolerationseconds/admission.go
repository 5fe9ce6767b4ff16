package defaulttolerationseconds

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/admission"
)

// PluginName is the plugin's name.
const PluginName = "DefaultTolerationSeconds"

// Seconds says how long; the values are read when a pod comes, after the flags were.
type Seconds struct{ NotReady, Unreachable *int64 }

// Plugin changes pods.
type Plugin struct {
	*admission.Handler
	seconds Seconds
}

var _ admission.MutationInterface = &Plugin{}

// Register makes the plugin known.
func Register(plugins *admission.Plugins, seconds Seconds) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), seconds: seconds}, nil
	})
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetResource().GroupResource() != corev1.Resource("pods") || a.GetSubresource() != "" {
		return nil
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	if !ok {
		return apierrors.NewBadRequest(fmt.Sprintf("expected *v1.Pod but got %T", a.GetObject()))
	}
	for _, t := range []struct {
		key     string
		seconds int64
	}{{corev1.TaintNodeNotReady, *p.seconds.NotReady}, {corev1.TaintNodeUnreachable, *p.seconds.Unreachable}} {
		if tolerates(pod, t.key) {
			continue
		}
		seconds := t.seconds
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: t.key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds,
		})
	}
	return nil
}

// tolerates tells whether the pod says anything about eviction by the taint.
func tolerates(pod *corev1.Pod, key string) bool {
	for _, t := range pod.Spec.Tolerations {
		if (t.Key == key || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "") {
			return true
		}
	}
	return false
}
