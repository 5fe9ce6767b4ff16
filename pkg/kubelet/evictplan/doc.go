// Package evictplan decides, from what the node measured, whether it is under pressure, what may be given back without harm, and which
// pod must go first. Everything is pure: the eviction room measures and acts.
package evictplan
