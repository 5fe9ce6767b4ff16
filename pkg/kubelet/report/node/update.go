package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	nodeutil "k8s.io/component-helpers/node/util"
)

// reportTimeout bounds one update: an API server that hangs must not keep the next one from being tried.
const reportTimeout = 10 * time.Second

// report computes the status and sends it if it changed or is due.
func (r *Reporter) report(ctx context.Context) (ready bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	m := r.measure(ctx)
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	node, changed := r.build(known, m)
	r.mu.Lock()
	r.latest = node
	r.mu.Unlock()
	if !r.due(known, node, m.now) {
		return isReady(node), nil
	}
	updated, _, err := nodeutil.PatchNodeStatus(r.cfg.Client.CoreV1(), types.NodeName(r.cfg.NodeName), known, node)
	if err != nil {
		return isReady(node), fmt.Errorf("updating node status: %w", err)
	}
	r.mu.Lock()
	r.known = updated
	r.mu.Unlock()
	r.announce(node, changed)
	return isReady(node), nil
}

// due tells whether the difference is worth a write: anything but the heartbeat, or the heartbeat when it is old.
func (r *Reporter) due(known, node *v1.Node, now metav1.Time) bool {
	a, b := known.Status.DeepCopy(), node.Status.DeepCopy()
	last := time.Time{}
	for _, s := range []*v1.NodeStatus{a, b} {
		for i := range s.Conditions {
			if s == a && s.Conditions[i].Type == v1.NodeReady {
				last = s.Conditions[i].LastHeartbeatTime.Time
			}
			s.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
	}
	return !apiequality.Semantic.DeepEqual(a, b) || now.Sub(last) >= r.cfg.ReportPeriod
}

// announce tells of changed conditions.
func (r *Reporter) announce(node *v1.Node, changed []v1.NodeCondition) {
	ref := &v1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: r.cfg.NodeName, UID: types.UID(r.cfg.NodeName)}
	for _, c := range changed {
		if reason := eventOf(c); reason != "" {
			r.cfg.Recorder.Eventf(ref, v1.EventTypeNormal, reason, "Node %s status is now: %s", r.cfg.NodeName, reason)
		}
	}
}

func (r *Reporter) patchMeta(ctx context.Context, from, to *v1.Node) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": to.Labels, "annotations": to.Annotations}})
	if err != nil {
		return err
	}
	if _, err := r.cfg.Client.CoreV1().Nodes().Patch(ctx, from.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("updating labels of node: %w", err)
	}
	return nil
}
