// Package sandbox keeps development clusters: single nodes, each in namespaces of its own.
//
// A cluster called N has
//
//   - a slot, a number that gives it address ranges nobody else uses (index.go, subnets.go),
//     written down in <home>/clusters.json for as long as its data exists;
//   - network, mount and UTS namespaces held in /run/tiphys/N (package netns), joined to the host by
//     the veth pair tiphys<slot>/eth0; inside, /run and the folders a kubelet uses are its own;
//   - a cgroup /tiphys-N in every hierarchy, with all its processes;
//   - one process, `tiphys server`, started inside and left running, with log and status in the
//     data folder.
//
// Up makes what is missing of this and waits until the cluster answers; it is harmless on a
// running one. Down takes all of it away, the inner things first: server, containers, namespaces,
// links and routes, cgroups; then the kernel settings that kubelets change on the whole machine
// are put back when the last cluster has gone. Data stays unless purging is asked for.
package sandbox
