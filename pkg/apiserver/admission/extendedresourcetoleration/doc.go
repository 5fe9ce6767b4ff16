// Package extendedresourcetoleration lets pods that ask for an extended resource onto nodes that are tainted with its name, so
// that nodes with special hardware can be kept free of other pods.
package extendedresourcetoleration
