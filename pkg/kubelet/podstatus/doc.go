// Package podstatus computes the API status of a pod from what the runtime has of it: phase, conditions and container
// statuses. It is pure: the same Input gives the same status.
//
//	Generate(Input) v1.PodStatus
//
// Who is authoritative: the runtime for containers and addresses, the probe room for started and ready, the pod
// worker for why a container waits, the earlier status for what only the API knows (start time, other owners'
// conditions, QoS class). A terminal phase is only ever reported when no container can still be running, and never
// taken back.
package podstatus
