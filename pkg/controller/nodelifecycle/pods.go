package nodelifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
)

// markPods says of every pod of the node that it is not ready: nobody is there to say otherwise, and services must not send
// requests to it.
func (c *Controller) markPods(ctx context.Context, node string) error {
	pods, err := c.pods.On(node)
	if err != nil {
		return err
	}
	return errors.Join(podcontrol.Parallel(len(pods), func(i int) error {
		p := pods[i]
		if !podstate.IsReady(p) || podstate.IsTerminal(p) {
			return nil
		}
		body, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": p.UID},
			"status": map[string]any{"conditions": []v1.PodCondition{{
				Type: v1.PodReady, Status: v1.ConditionFalse, LastTransitionTime: metav1.NewTime(c.clock.Now()), ObservedGeneration: p.Generation,
			}}},
		})
		if err != nil {
			return err
		}
		_, err = c.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("marking pod %s/%s as not ready: %w", p.Namespace, p.Name, err)
		}
		c.events.Event(p, v1.EventTypeWarning, "NodeNotReady", "Node is not ready")
		return nil
	})...)
}
