package cycle

import (
	"math/rand/v2"
)

const (
	// minFeasibleNodes is how many fitting nodes are always looked for.
	minFeasibleNodes = 100
	// minPercentage is the least share of nodes the default setting looks at, however large the cluster.
	minPercentage = 5
)

// nodesToFind is the number of fitting nodes after which the search stops. Percentage 0 means a share that shrinks with the
// size of the cluster: 50 % for a hundred nodes, 10 % for five thousand.
func nodesToFind(percentage int32, nodes int) int {
	if nodes < minFeasibleNodes || percentage >= 100 {
		return nodes
	}
	share := int(percentage)
	if share == 0 {
		share = max(minPercentage, 50-nodes/125)
	}
	return max(minFeasibleNodes, nodes*share/100)
}

// pickBest returns the index with the highest total among those open, each equally good one with the same chance, or -1.
func pickBest(totals []int64, open func(i int) bool, random *rand.Rand) int {
	best, count := int64(0), 0
	for i, total := range totals {
		if !open(i) {
			continue
		}
		switch {
		case count == 0 || total > best:
			best, count = total, 1
		case total == best:
			count++
		}
	}
	if count == 0 {
		return -1
	}
	nth := random.IntN(count)
	for i, total := range totals {
		if total == best && open(i) {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	return -1
}
