// Package limitrange is what the API does with limitranges: the limits of single pods, containers and claims in a namespace.
// What one must look like is in tiphys.dev/apirules/core/limitrange.
package limitrange
