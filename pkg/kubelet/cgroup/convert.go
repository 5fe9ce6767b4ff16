package cgroup

import (
	"math"
	"time"
)

const (
	// MinShares is the smallest weight cgroup v1 knows; best-effort groups get it.
	MinShares = 2
	// MaxShares is the largest.
	MaxShares = 262144
	// minQuota is the smallest CFS quota the kernel accepts.
	minQuota = time.Millisecond
	// DefaultPeriod is the CFS period when none is configured.
	DefaultPeriod = 100 * time.Millisecond
)

// SharesOf turns a CPU request in thousandths into cgroup v1 shares; nothing requested is the smallest weight.
func SharesOf(milliCPU int64) uint64 {
	shares := milliCPU * 1024 / 1000
	return uint64(min(max(shares, MinShares), MaxShares))
}

// QuotaOf turns a CPU limit in thousandths into microseconds of CPU time per period. No limit gives 0.
func QuotaOf(milliCPU int64, period time.Duration) int64 {
	if milliCPU <= 0 {
		return 0
	}
	quota := milliCPU * period.Microseconds() / 1000
	return max(quota, minQuota.Microseconds())
}

// WeightOf turns v1 shares into the v2 weight. It is the curve through (2,1), (1024,100) and (262144,10000) that runc and crun
// use, so that a pod's group and the containers in it are weighed by one measure.
func WeightOf(shares uint64) uint64 {
	switch {
	case shares == 0:
		return 0
	case shares <= MinShares:
		return 1
	case shares >= MaxShares:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, (l*l+125*l)/612.0-7.0/34.0)))
}
