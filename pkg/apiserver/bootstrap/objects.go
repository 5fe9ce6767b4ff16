package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

func newLineReader(data []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(data)) }

func dropComments(doc []byte) []byte {
	var out []string
	for _, line := range strings.Split(string(doc), "\n") {
		if !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, "\n"))
}

// priorityClasses are the two classes that may use priorities above the user's range.
var priorityClasses = []schedulingv1.PriorityClass{
	{
		ObjectMeta: metav1.ObjectMeta{Name: "system-node-critical"}, Value: 2000001000,
		Description:      "Used for system critical pods that must not be moved from their current node.",
		PreemptionPolicy: ptr.To(v1.PreemptLowerPriority),
	},
	{
		ObjectMeta: metav1.ObjectMeta{Name: "system-cluster-critical"}, Value: 2000000000,
		Description:      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
		PreemptionPolicy: ptr.To(v1.PreemptLowerPriority),
	},
}

// PriorityClasses creates the built-in priority classes.
func PriorityClasses(ctx context.Context, client kubernetes.Interface) error {
	err := retryUntil(ctx, func() error {
		for i := range priorityClasses {
			_, err := client.SchedulingV1().PriorityClasses().Create(ctx, &priorityClasses[i], metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("priority class %s: %w", priorityClasses[i].Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the built-in priority classes: %w", err)
	}
	return nil
}
