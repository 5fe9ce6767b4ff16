// Package gc removes what nobody needs any more: dead containers beyond the last one of each name, sandboxes of pods that are gone,
// images when the disk fills, log directories and links, and directories and cgroups of pods that an earlier kubelet left.
//
// What to remove is decided by pure functions (containers_plan.go, images_plan.go); containers.go, images.go and orphans.go
// carry it out. A pod that the kubelet knows is never touched here beyond its dead containers: its worker owns it.
package gc
