// Package observe knows what the container runtime has of each pod: its sandboxes and containers, newest first.
//
//	CRI events ──► refresh(pod) ──► cache ──► OnChange(uid)
//	slow relist ─┘
//
// The cache is refreshed per pod, by asking the runtime, whenever a CRI container event names the pod, whenever a
// pod worker asks for it after its own action, and for all pods by a slow relist that makes up for lost events. A
// runtime without events is relisted every second instead. Exited containers never change, so each is asked for once.
//
// Nothing here decides anything. Who may import it: the rooms of will and mouth (podworker, gc, server) and the mind
// (plan, podstatus), which read its values.
package observe
