// Package limitranger gives containers the default requests and limits of their namespace's LimitRange objects and refuses
// pods and claims that ask for less than the minimum, more than the maximum, or have limits too far above requests.
//
// limits.go decides (pure functions on a LimitRange and an object), defaults.go fills in, admission.go finds the LimitRanges.
// See https://kubernetes.io/docs/concepts/policy/limit-range/.
package limitranger
