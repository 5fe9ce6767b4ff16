// Package defaulttolerationseconds lets pods stay for a while on nodes that are not ready or cannot be reached, unless they
// say for how long themselves.
package defaulttolerationseconds
