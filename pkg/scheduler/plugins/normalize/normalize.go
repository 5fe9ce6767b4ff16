// Package normalize brings raw scores of plugins into the range the framework wants.
package normalize

import (
	fwk "k8s.io/kube-scheduler/framework"
)

// ByMax scales scores so that the highest becomes the maximum; with reverse, low raw scores become high ones.
func ByMax(reverse bool, scores fwk.NodeScoreList) *fwk.Status {
	highest := int64(0)
	for i := range scores {
		highest = max(highest, scores[i].Score)
	}
	for i := range scores {
		score := scores[i].Score
		if highest > 0 {
			score = fwk.MaxNodeScore * score / highest
		}
		if reverse {
			score = fwk.MaxNodeScore - score
		}
		scores[i].Score = score
	}
	return nil
}
