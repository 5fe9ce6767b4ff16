package deployment

import (
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
)

// The annotations through which revisions and sizes are kept; kubectl reads them.
const (
	revisionAnnotation        = "deployment.kubernetes.io/revision"
	revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history"
	desiredAnnotation         = "deployment.kubernetes.io/desired-replicas"
	maxAnnotation             = "deployment.kubernetes.io/max-replicas"
	rollbackAnnotation        = "deprecated.deployment.rollback.to"
)

// maxHistoryLength bounds the revision history so that endless undo and redo cannot fill an object.
const maxHistoryLength = 2000

// notInherited are deployment annotations that mean something else, or nothing, on a ReplicaSet.
var notInherited = map[string]bool{
	v1.LastAppliedConfigAnnotation: true,
	revisionAnnotation:             true,
	revisionHistoryAnnotation:      true,
	desiredAnnotation:              true,
	maxAnnotation:                  true,
	rollbackAnnotation:             true,
}

func revisionOf(annotations map[string]string) int64 {
	n, err := strconv.ParseInt(annotations[revisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func maxRevision(sets []*appsv1.ReplicaSet) int64 {
	var most int64
	for _, rs := range sets {
		most = max(most, revisionOf(rs.Annotations))
	}
	return most
}

// newAnnotations returns what the ReplicaSet of the present template shall carry: what it has, the deployment's own, and the
// revision. A ReplicaSet that becomes current again keeps its former revision in the history.
func newAnnotations(d *appsv1.Deployment, have map[string]string, revision int64, exists bool) map[string]string {
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range d.Annotations {
		if !notInherited[k] {
			out[k] = v
		}
	}
	if old := revisionOf(have); revision > old {
		out[revisionAnnotation] = strconv.FormatInt(revision, 10)
		if exists && old > 0 {
			out[revisionHistoryAnnotation] = appendHistory(have[revisionHistoryAnnotation], strconv.FormatInt(old, 10))
		}
	}
	return out
}

func appendHistory(history, revision string) string {
	if history == "" {
		return revision
	}
	history += "," + revision
	for len(history) > maxHistoryLength {
		_, rest, found := strings.Cut(history, ",")
		if !found {
			return revision
		}
		history = rest
	}
	return history
}

// withSizes adds the annotations that let a later scaling see which size the ReplicaSets were made for.
func withSizes(annotations map[string]string, desired, most int32) map[string]string {
	out := maps.Clone(annotations)
	if out == nil {
		out = map[string]string{}
	}
	out[desiredAnnotation] = strconv.Itoa(int(desired))
	out[maxAnnotation] = strconv.Itoa(int(most))
	return out
}

func intAnnotation(rs *appsv1.ReplicaSet, key string) (int32, bool) {
	n, err := strconv.ParseInt(rs.Annotations[key], 10, 32)
	return int32(n), err == nil
}
