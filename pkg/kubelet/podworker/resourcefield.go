package podworker

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// resourceField is the value of a request or limit of a container in units of the divisor, rounded up. A limit that
// is not set is what the node has to give.
func (w *worker) resourceField(pod *v1.Pod, c *v1.Container, f *v1.ResourceFieldSelector) (string, error) {
	if f.ContainerName != "" && f.ContainerName != c.Name {
		other, _ := specOf(pod, f.ContainerName)
		if other == nil {
			return "", fmt.Errorf("container %s not found", f.ContainerName)
		}
		c = other
	}
	kind, name, ok := strings.Cut(f.Resource, ".")
	if !ok || kind != "limits" && kind != "requests" {
		return "", fmt.Errorf("unsupported container resource : %v", f.Resource)
	}
	q, set := resource.Quantity{}, false
	if kind == "limits" {
		q, set = c.Resources.Limits[v1.ResourceName(name)]
		if !set || q.IsZero() {
			if node := w.m.cfg.Node(); node != nil {
				q = node.Status.Allocatable[v1.ResourceName(name)]
			}
		}
	} else {
		q = c.Resources.Requests[v1.ResourceName(name)]
	}
	divisor := f.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if v1.ResourceName(name) == v1.ResourceCPU {
		return ceilDivide(q.MilliValue(), divisor.MilliValue()), nil
	}
	return ceilDivide(q.Value(), divisor.Value()), nil
}

func ceilDivide(a, b int64) string {
	return strconv.FormatInt(int64(math.Ceil(float64(a)/float64(b))), 10)
}
