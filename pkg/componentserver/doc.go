// Package componentserver is the small HTTP endpoint that every component daemon has beside its real work: health, metrics,
// configuration, profiling, flags and status.
//
// It owns the paths /healthz, /livez, /readyz (each with named checks, ?verbose and ?exclude=), /metrics, /metrics/slis,
// /configz, /flagz, /statusz and /debug/pprof, and guards them: who asks is answered by the API server (TokenReview, client
// certificates), and whether he may by SubjectAccessReview, with a list of paths that are always allowed.
//
//	s, err := componentserver.New(componentserver.Config{Name: "kube-scheduler", Serving: …, Metrics: registry, Ready: checks})
//	err = s.Run(ctx) // blocks; serves until ctx is done, then lets open requests end
//
// Everything shown is what Config holds: nothing comes from a process-wide registry, so that several components in one
// process have an endpoint each. Any component may import this package; it imports none of them.
package componentserver
