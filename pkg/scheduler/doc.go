// Package scheduler is kube-scheduler as a component: it gives pods without a node the best one.
//
//	informers ──► handlers ──► cache (nodes, pods with a node)   queue (pods without) ──► cycle ──► API
//	                 └──────── cluster events: which waiting pods may fit now ────▲
//
// New builds everything and starts nothing; Run blocks until ctx ends and all its goroutines have. Settings that come from flags
// (address, leader election, client) are the caller's; a KubeSchedulerConfiguration says how to schedule.
//
// Plugins implement k8s.io/kube-scheduler/framework and are listed in plugins/table.go; Config.OutOfTree adds more.
package scheduler
