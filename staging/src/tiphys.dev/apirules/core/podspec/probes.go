package podspec

import (
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// validateProbe checks a probe of whichever sort.
func validateProbe(p *v1.Probe, grace *int64, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	errs := validateAction(action{p.Exec, p.HTTPGet, p.TCPSocket, p.GRPC, nil}, grace, path)
	for _, n := range []struct {
		child string
		value int32
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds}, {"timeoutSeconds", p.TimeoutSeconds}, {"periodSeconds", p.PeriodSeconds},
		{"successThreshold", p.SuccessThreshold}, {"failureThreshold", p.FailureThreshold},
	} {
		errs = append(errs, check.NonNegative(path.Child(n.child), n.value)...)
	}
	if p.TerminationGracePeriodSeconds != nil && *p.TerminationGracePeriodSeconds <= 0 {
		errs = append(errs, field.Invalid(path.Child("terminationGracePeriodSeconds"), *p.TerminationGracePeriodSeconds, "must be greater than 0"))
	}
	return errs
}

// Liveness and startup begin anew with each container, so one success is all they can need.
func validateLivenessOrStartup(p *v1.Probe, grace *int64, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	errs := validateProbe(p, grace, path)
	if p.SuccessThreshold != 1 {
		errs = append(errs, field.Invalid(path.Child("successThreshold"), p.SuccessThreshold, "must be 1"))
	}
	return errs
}

// A pod that is not ready lives on: there is nothing to end gracefully.
func validateReadiness(p *v1.Probe, grace *int64, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	errs := validateProbe(p, grace, path)
	if p.TerminationGracePeriodSeconds != nil {
		errs = append(errs, field.Invalid(path.Child("terminationGracePeriodSeconds"), p.TerminationGracePeriodSeconds, "must not be set for readinessProbes"))
	}
	return errs
}

// action is what probes and lifecycle hooks can do.
type action struct {
	exec  *v1.ExecAction
	http  *v1.HTTPGetAction
	tcp   *v1.TCPSocketAction
	grpc  *v1.GRPCAction
	sleep *v1.SleepAction
}

// validateAction wants exactly one action. Each one after the first is refused where it stands.
func validateAction(a action, grace *int64, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	given := 0
	one := func(child string, set bool, rule func(*field.Path) field.ErrorList) {
		if !set {
			return
		}
		if given++; given > 1 {
			errs = append(errs, field.Forbidden(path.Child(child), "may not specify more than 1 handler type"))
			return
		}
		errs = append(errs, rule(path.Child(child))...)
	}
	one("exec", a.exec != nil, func(p *field.Path) field.ErrorList { return validateExec(a.exec, p) })
	one("httpGet", a.http != nil, func(p *field.Path) field.ErrorList { return validateHTTPGet(a.http, p) })
	one("tcpSocket", a.tcp != nil, func(p *field.Path) field.ErrorList { return check.PortNumberOrName(p.Child("port"), a.tcp.Port) })
	one("grpc", a.grpc != nil, func(p *field.Path) field.ErrorList { return check.Port(p.Child("port"), a.grpc.Port) })
	one("sleep", a.sleep != nil, func(p *field.Path) field.ErrorList { return validateSleep(a.sleep, grace, p) })
	if given == 0 {
		errs = append(errs, field.Required(path, "must specify a handler type"))
	}
	return errs
}

func validateExec(e *v1.ExecAction, path *field.Path) field.ErrorList {
	if len(e.Command) == 0 {
		return field.ErrorList{field.Required(path.Child("command"), "")}
	}
	return nil
}

func validateHTTPGet(h *v1.HTTPGetAction, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if h.Path == "" {
		errs = append(errs, field.Required(path.Child("path"), ""))
	}
	errs = append(errs, check.PortNumberOrName(path.Child("port"), h.Port)...)
	errs = append(errs, check.OneOf(path.Child("scheme"), h.Scheme, v1.URISchemeHTTP, v1.URISchemeHTTPS)...)
	for _, header := range h.HTTPHeaders {
		errs = append(errs, check.Messages(path.Child("httpHeaders"), header.Name, validation.IsHTTPHeaderName(header.Name))...)
	}
	return errs
}

func validateSleep(s *v1.SleepAction, grace *int64, path *field.Path) field.ErrorList {
	longest := int64(math.MaxInt64)
	if grace != nil {
		longest = *grace
	}
	if s.Seconds < 0 || s.Seconds > longest {
		return field.ErrorList{field.Invalid(path, s.Seconds, fmt.Sprintf("must be non-negative and less than terminationGracePeriodSeconds (%d)", longest))}
	}
	return nil
}

func validateLifecycle(l *v1.Lifecycle, grace *int64, os *v1.PodOS, path *field.Path) field.ErrorList {
	if l == nil {
		return nil
	}
	var errs field.ErrorList
	hook := func(child string, h *v1.LifecycleHandler) {
		if h != nil {
			errs = append(errs, validateAction(action{h.Exec, h.HTTPGet, h.TCPSocket, nil, h.Sleep}, grace, path.Child(child))...)
		}
	}
	hook("postStart", l.PostStart)
	hook("preStop", l.PreStop)
	if l.StopSignal != nil {
		errs = append(errs, validateStopSignal(*l.StopSignal, os, path.Child("stopSignal"))...)
	}
	return errs
}

func validateStopSignal(signal v1.Signal, os *v1.PodOS, path *field.Path) field.ErrorList {
	if os == nil {
		return field.ErrorList{field.Forbidden(path, "may not be set for containers with empty `spec.os.name`")}
	}
	if os.Name == v1.Windows {
		return check.OneOf(path, signal, v1.SIGTERM, v1.SIGKILL)
	}
	return check.OneOf(path, signal, linuxSignals...)
}
