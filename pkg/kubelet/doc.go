// Package kubelet runs the pods of one node. It only builds the rooms and joins them; what a room does is written in
// the room.
//
//	podsource ─► podworker ─► cri, image, volume, cgroup, dns   (hands)
//	                ▲  │
//	 observe, probe ┘  └─► podstatus ─► report/podstatus ─► API
//	                          report/node ─► API        server ◄─ API server
//
// Life cycle: New checks the configuration; Run connects to the runtime, brings up what pods need, learns what is
// already running, and only then lets pods in; it returns when its context has ended and every goroutine with it, or
// with the first error of a room. Containers keep running when a kubelet ends.
//
// cmd/kubelet and the all-in-one import it; no room does.
package kubelet
