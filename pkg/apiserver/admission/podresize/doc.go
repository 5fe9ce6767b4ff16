// Package podresize refuses resizes of running pods that their node could never satisfy: more than the node has, or on a node that
// cannot resize. Whether the node has room beside its other pods is for the kubelet to say.
package podresize
