package observe

// Keys under which the kubelet writes its own facts onto containers, so that it can read them back after a restart.
// The names are upstream's: a node can change its kubelet in either direction without restarting a container.
const (
	AnnotationHash                   = "io.kubernetes.container.hash"
	AnnotationRestartCount           = "io.kubernetes.container.restartCount"
	AnnotationTerminationMessagePath = "io.kubernetes.container.terminationMessagePath"
	AnnotationTerminationPolicy      = "io.kubernetes.container.terminationMessagePolicy"
	AnnotationPodGracePeriod         = "io.kubernetes.pod.terminationGracePeriod"
	AnnotationPreStop                = "io.kubernetes.container.preStopHandler"
	AnnotationPorts                  = "io.kubernetes.container.ports"
)
