package plan

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	v1 "k8s.io/api/core/v1"
)

// IsSidecar tells whether the init container runs beside the others instead of before them.
func IsSidecar(c *v1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// Hash identifies what a running container cannot change without being replaced: its image.
func Hash(c *v1.Container) string {
	data, _ := json.Marshal(map[string]string{"name": c.Name, "image": c.Image}) // a map of strings cannot fail
	h := fnv.New32a()
	_, _ = h.Write(data)
	return strconv.FormatUint(uint64(h.Sum32()), 16)
}

// matchingRule returns the action of the first restart rule that fits the exit code.
func matchingRule(c *v1.Container, exitCode int32) (v1.ContainerRestartRuleAction, bool) {
	for _, r := range c.RestartPolicyRules {
		if r.ExitCodes == nil {
			continue
		}
		in := slices.Contains(r.ExitCodes.Values, exitCode)
		switch r.ExitCodes.Operator {
		case v1.ContainerRestartRuleOnExitCodesOpIn:
			if in {
				return r.Action, true
			}
		case v1.ContainerRestartRuleOnExitCodesOpNotIn:
			if !in {
				return r.Action, true
			}
		}
	}
	return "", false
}

// ShouldRestart tells whether the container that ended with exitCode is to run again: its own rules first, then its
// own policy, then the pod's. An init container that succeeded is never run again, unless it is a sidecar.
func ShouldRestart(pod *v1.Pod, kind Kind, c *v1.Container, exitCode int32) bool {
	if kind == Ephemeral {
		return false
	}
	if kind == Init && IsSidecar(c) {
		return true
	}
	if kind == Init && exitCode == 0 {
		return false
	}
	if action, ok := matchingRule(c, exitCode); ok {
		return action == v1.ContainerRestartRuleActionRestart || action == v1.ContainerRestartRuleActionRestartAllContainers
	}
	policy := pod.Spec.RestartPolicy
	if c.RestartPolicy != nil {
		policy = v1.RestartPolicy(*c.RestartPolicy)
	}
	switch policy {
	case v1.RestartPolicyNever:
		return false
	case v1.RestartPolicyOnFailure:
		return exitCode != 0
	default: // Always; for an init container it means on failure
		return true
	}
}

func backOffMessage(pod *v1.Pod, container string, wait fmt.Stringer) string {
	return fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", wait, container, pod.Name, pod.Namespace, pod.UID)
}
