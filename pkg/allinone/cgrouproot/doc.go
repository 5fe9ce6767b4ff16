// Package cgrouproot keeps one top-level cgroup of our own, in every hierarchy the machine has.
//
// All processes of a development cluster live below it (node components in <root>/node, pods in
// <root>/kubepods by the kubelet), so the cluster can be told from the rest of the machine, and
// ended and removed exactly. Both the unified hierarchy and the version 1 ones are handled; in the
// latter a new cpuset starts empty and accepts nobody until it is filled, which Ensure does.
package cgrouproot
