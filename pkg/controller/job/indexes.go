package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
)

// indexSet is a sorted list of completion indexes, each once.
type indexSet []int32

// parseIndexes reads the form of status.completedIndexes, "1,3-5,7", leaving out what is not below limit (an elastic job may
// have shrunk).
func parseIndexes(s string, limit int32) indexSet {
	var out indexSet
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.ParseInt(from, 10, 32)
		if err != nil {
			continue
		}
		b := a
		if isRange {
			if b, err = strconv.ParseInt(to, 10, 32); err != nil {
				continue
			}
		}
		for i := a; i <= b && i < int64(limit); i++ {
			out = append(out, int32(i))
		}
	}
	return out.sorted()
}

func (s indexSet) sorted() indexSet {
	slices.Sort(s)
	return slices.Compact(s)
}

func (s indexSet) has(i int32) bool {
	_, ok := slices.BinarySearch(s, i)
	return ok
}

func (s indexSet) with(more ...int32) indexSet {
	return append(slices.Clone(s), more...).sorted()
}

// String joins three and more consecutive indexes by a dash.
func (s indexSet) String() string {
	var parts []string
	for i := 0; i < len(s); {
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		switch {
		case j == i:
			parts = append(parts, strconv.Itoa(int(s[i])))
		case j == i+1:
			parts = append(parts, fmt.Sprintf("%d,%d", s[i], s[j]))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", s[i], s[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

func isIndexed(j *batchv1.Job) bool {
	return j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion
}

// indexOf returns the pod's completion index, or -1.
func indexOf(p *v1.Pod) int32 {
	i, err := strconv.ParseInt(p.Annotations[batchv1.JobCompletionIndexAnnotation], 10, 32)
	if err != nil || i < 0 {
		return -1
	}
	return int32(i)
}

// indexFailures is how often the index had failed, not counting ignored failures, when this pod was created.
func indexFailures(p *v1.Pod) int32 {
	n, err := strconv.ParseInt(p.Annotations[batchv1.JobIndexFailureCountAnnotation], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

func indexIgnored(p *v1.Pod) int32 {
	n, err := strconv.ParseInt(p.Annotations[batchv1.JobIndexIgnoredFailureCountAnnotation], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}
