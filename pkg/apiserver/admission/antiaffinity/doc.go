// Package antiaffinity refuses pods that keep others out of more than their own node, as a required anti-affinity over a zone
// does.
package antiaffinity
