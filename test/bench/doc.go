// Command bench measures upstream's binaries and ours in turn, in one run on one
// machine, and writes the figures and their ratios to docs/benchmarks.md.
//
//	go run ./test/bench                      every scenario whose binaries are there
//	go run ./test/bench -run proxy,load      some of them
//	go run ./test/bench -quick               small sizes, to see that it works
//	go run ./test/bench -run cluster -cluster upstream=/path/kubeconfig,PID -cluster tiphys=/path/kubeconfig,PID
//
// Scenarios (scenario_*.go):
//
//	start    etcd + kube-apiserver, from exec to /readyz, on an empty and on an existing store
//	idle     memory and CPU of etcd, kube-apiserver, kube-controller-manager and kube-scheduler without work
//	allinone a whole node: start on an existing store, idle memory and CPU, pod created -> Running (needs root)
//	load     32 clients: create, get, merge patch, list, watch; memory afterwards
//	proxy    kube-proxy: start with many services, reaction to one change, cost of a roll-out
//	cluster  on running clusters: idle memory and CPU of their processes, pod created -> Running
//
// A side is a folder of binaries under upstream's names. What a side lacks is taken from upstream and the
// row says so; a scenario about a binary that is missing is left out for that side.
//
// Figures are kept in _output/bench/results.json, so that scenarios can be measured one at a time; the
// page always shows the last figure of each, with its date. Machines differ: compare ratios.
package main
