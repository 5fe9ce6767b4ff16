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

// closed is the total of a node that must not be picked; real totals are never negative.
const closed int64 = -1

// pickBest returns the index of the highest total, each equally good one with the same chance, or -1 when all are closed. Two
// passes over a flat slice are cheaper than keeping five thousand nodes in any order.
func pickBest(totals []int64, random *rand.Rand) int {
	best, count := closed, 0
	for _, total := range totals {
		if total > best {
			best, count = total, 1
		} else if total == best {
			count++
		}
	}
	if best == closed {
		return -1
	}
	nth := random.IntN(count)
	for i, total := range totals {
		if total == best {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	return -1
}
