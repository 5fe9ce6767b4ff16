package bootstrap

import (
	"context"
	"fmt"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap"
	"k8s.io/client-go/kubernetes"
)

// flowControlManager owns what the server writes there, under the name upstream's has: who changes it is seen to be somebody else.
const flowControlManager = "api-priority-and-fairness-config-producer-v1"

// FlowControl creates the priority levels and flow schemas that the server suggests and those it must have. Mandatory ones
// always get their specification back; suggested ones only while their annotation says that nobody has taken them over.
func FlowControl(ctx context.Context, client kubernetes.Interface) error {
	err := retryUntil(ctx, func() error {
		for _, set := range []struct {
			levels    []*flowcontrolv1.PriorityLevelConfiguration
			schemas   []*flowcontrolv1.FlowSchema
			mandatory bool
		}{
			{bootstrap.MandatoryPriorityLevelConfigurations, bootstrap.MandatoryFlowSchemas, true},
			{bootstrap.SuggestedPriorityLevelConfigurations, bootstrap.SuggestedFlowSchemas, false},
		} {
			for _, l := range set.levels {
				if err := ensureLevel(ctx, client, l, set.mandatory); err != nil {
					return fmt.Errorf("priority level %s: %w", l.Name, err)
				}
			}
			for _, s := range set.schemas {
				if err := ensureSchema(ctx, client, s, set.mandatory); err != nil {
					return fmt.Errorf("flow schema %s: %w", s.Name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the flow control configuration: %w", err)
	}
	return nil
}

func ensureLevel(ctx context.Context, client kubernetes.Interface, want *flowcontrolv1.PriorityLevelConfiguration, mandatory bool) error {
	levels := client.FlowcontrolV1().PriorityLevelConfigurations()
	got, err := levels.Get(ctx, want.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = levels.Create(ctx, withAutoUpdate(want.DeepCopy()), metav1.CreateOptions{FieldManager: flowControlManager})
		return err
	}
	if err != nil {
		return err
	}
	if !owned(got, mandatory) || apiequality.Semantic.DeepEqual(got.Spec, want.Spec) {
		return nil
	}
	now := withAutoUpdate(got.DeepCopy())
	now.Spec = want.Spec
	_, err = levels.Update(ctx, now, metav1.UpdateOptions{FieldManager: flowControlManager})
	return err
}

func ensureSchema(ctx context.Context, client kubernetes.Interface, want *flowcontrolv1.FlowSchema, mandatory bool) error {
	schemas := client.FlowcontrolV1().FlowSchemas()
	got, err := schemas.Get(ctx, want.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = schemas.Create(ctx, withAutoUpdate(want.DeepCopy()), metav1.CreateOptions{FieldManager: flowControlManager})
		return err
	}
	if err != nil {
		return err
	}
	if !owned(got, mandatory) || apiequality.Semantic.DeepEqual(got.Spec, want.Spec) {
		return nil
	}
	now := withAutoUpdate(got.DeepCopy())
	now.Spec = want.Spec
	_, err = schemas.Update(ctx, now, metav1.UpdateOptions{FieldManager: flowControlManager})
	return err
}

func withAutoUpdate[T metav1.Object](o T) T {
	a := o.GetAnnotations()
	if a == nil {
		a = map[string]string{}
	}
	a[flowcontrolv1.AutoUpdateAnnotationKey] = "true"
	o.SetAnnotations(a)
	return o
}

// owned tells whether the server may write the object's specification. Without the annotation an object at its first
// generation is one nobody has touched.
func owned(o metav1.Object, mandatory bool) bool {
	if mandatory {
		return true
	}
	v, ok := o.GetAnnotations()[flowcontrolv1.AutoUpdateAnnotationKey]
	if !ok {
		return o.GetGeneration() == 1
	}
	return v == "true"
}
