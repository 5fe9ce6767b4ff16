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

// Namespaces are the namespaces that every cluster has.
var Namespaces = []string{metav1.NamespaceSystem, metav1.NamespacePublic, v1.NamespaceNodeLease, metav1.NamespaceDefault}

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

// Objects creates the system namespaces and the built-in priority classes.
func Objects(ctx context.Context, client kubernetes.Interface) error {
	err := retryUntil(ctx, func() error {
		for _, name := range Namespaces {
			_, err := client.CoreV1().Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("namespace %s: %w", name, err)
			}
		}
		for i := range priorityClasses {
			_, err := client.SchedulingV1().PriorityClasses().Create(ctx, &priorityClasses[i], metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("priority class %s: %w", priorityClasses[i].Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the system objects: %w", err)
	}
	return nil
}
