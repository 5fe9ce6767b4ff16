package podworker

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serviceEnv are the variables that tell a container where services are. The API server's own service is always told;
// the others of the pod's namespace unless enableServiceLinks is false.
func (w *worker) serviceEnv(pod *v1.Pod) (map[string]string, error) {
	env := map[string]string{}
	api, known := w.m.cfg.Services(metav1.NamespaceDefault)
	if !known {
		return nil, fmt.Errorf("services have not yet been read at least once, cannot construct envvars")
	}
	var all []*v1.Service
	for _, s := range api {
		if s.Name == "kubernetes" {
			all = append(all, s)
		}
	}
	if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
		links, _ := w.m.cfg.Services(pod.Namespace)
		all = append(all, links...) // after the API server's: a namespace's own "kubernetes" wins
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].CreationTimestamp.Before(&all[j].CreationTimestamp) })
	for _, s := range all {
		serviceVariables(env, s)
	}
	return env, nil
}

// serviceVariables adds NAME_SERVICE_HOST, NAME_SERVICE_PORT[_PORTNAME] and the Docker link variables.
func serviceVariables(env map[string]string, s *v1.Service) {
	ip := s.Spec.ClusterIP
	if ip == "" || ip == v1.ClusterIPNone || s.Spec.Type == v1.ServiceTypeExternalName || len(s.Spec.Ports) == 0 {
		return
	}
	name := variable(s.Name)
	env[name+"_SERVICE_HOST"] = ip
	env[name+"_SERVICE_PORT"] = strconv.Itoa(int(s.Spec.Ports[0].Port))
	for i, p := range s.Spec.Ports {
		port := strconv.Itoa(int(p.Port))
		if p.Name != "" {
			env[name+"_SERVICE_PORT_"+variable(p.Name)] = port
		}
		protocol := "TCP"
		if p.Protocol != "" {
			protocol = string(p.Protocol)
		}
		lower := strings.ToLower(protocol)
		url := lower + "://" + net.JoinHostPort(ip, port)
		if i == 0 {
			env[name+"_PORT"] = url
		}
		prefix := name + "_PORT_" + port + "_" + protocol
		env[prefix] = url
		env[prefix+"_PROTO"] = lower
		env[prefix+"_PORT"] = port
		env[prefix+"_ADDR"] = ip
	}
}

func variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
