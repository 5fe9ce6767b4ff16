package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

const (
	namespace = "interop"
	app       = "web"
	port      = 8080
)

// live leads a Deployment with a Service through its life.
func (c *cluster) live() {
	_, err := c.client.CoreV1().Namespaces().Create(c.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("default service account", func() string {
		_, err := c.client.CoreV1().ServiceAccounts(namespace).Get(c.Context(), "default", metav1.GetOptions{})
		return text(err)
	})
	_, err = c.client.AppsV1().Deployments(namespace).Create(c.Context(), deployment(), metav1.CreateOptions{})
	c.must(err)
	service, err := c.client.CoreV1().Services(namespace).Create(c.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: app}, Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": app},
		Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}},
	}}, metav1.CreateOptions{})
	c.must(err)
	addresses := []string{
		net.JoinHostPort(service.Spec.ClusterIP, "80"),
		net.JoinHostPort(c.box.Network().Node().String(), itoa(service.Spec.Ports[0].NodePort)),
	}

	first := c.available(2, "1")
	c.served(addresses, first)
	c.reachedFromPod(first[0])

	c.scale(4)
	c.served(addresses, c.available(4, "1"))
	c.scale(2)
	c.served(addresses, c.available(2, "1"))

	c.patch(`{"spec":{"template":{"metadata":{"annotations":{"example.com/generation":"2"}}}}}`)
	second := c.available(2, "2")
	c.served(addresses, second)
	for _, pod := range second {
		if slices.Contains(first, pod) {
			c.Errorf("pod %s of the first revision is still there", pod)
		}
	}
	c.remove(addresses, service.Spec.ClusterIP)
}

func deployment() *appsv1.Deployment {
	replicas, grace := int32(2), int64(1)
	none := intstr.FromInt32(0)
	labels := map[string]string{"app": app}
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: app}, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &none}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &grace,
			Containers: []corev1.Container{{
				Name: "server", Image: serverImage, Args: []string{"netexec", "--http-port=" + itoa(port), "--udp-port=-1"},
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: port}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
					HTTPGet: &corev1.HTTPGetAction{Path: "/hostname", Port: intstr.FromString("http")}}},
			}},
		}},
	}}
}

// available waits until the Deployment is rolled out and gives the names of its pods.
func (c *cluster) available(n int32, revision string) []string {
	c.Helper()
	c.eventually(fmt.Sprintf("%d replicas of revision %s", n, revision), func() string {
		d, err := c.client.AppsV1().Deployments(namespace).Get(c.Context(), app, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		s := d.Status
		if s.ObservedGeneration != d.Generation || s.Replicas != n || s.UpdatedReplicas != n || s.AvailableReplicas != n || s.ReadyReplicas != n ||
			s.UnavailableReplicas != 0 || d.Annotations["deployment.kubernetes.io/revision"] != revision {
			return fmt.Sprintf("%+v; pods: %s", s, c.pods())
		}
		for _, condition := range s.Conditions {
			if condition.Type == appsv1.DeploymentAvailable && condition.Status == corev1.ConditionTrue {
				return ""
			}
		}
		return fmt.Sprintf("%+v", s.Conditions)
	})
	var names []string
	c.eventually("only those pods", func() string {
		list, err := c.client.CoreV1().Pods(namespace).List(c.Context(), metav1.ListOptions{})
		names = nil
		for _, pod := range list.Items {
			names = append(names, pod.Name)
		}
		if err == nil && len(names) != int(n) {
			return c.pods()
		}
		return text(err)
	})
	return names
}

// pods describes all pods, for a message.
func (c *cluster) pods() string {
	list, err := c.client.CoreV1().Pods(namespace).List(c.Context(), metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, pod := range list.Items {
		line := fmt.Sprintf("%s on %q %s deleted=%v", pod.Name, pod.Spec.NodeName, pod.Status.Phase, pod.DeletionTimestamp)
		for _, s := range pod.Status.ContainerStatuses {
			if s.State.Waiting != nil {
				line += fmt.Sprintf(" waiting: %s %s", s.State.Waiting.Reason, s.State.Waiting.Message)
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

// served waits until every address is answered by these pods and by no other, and the slices list them all.
func (c *cluster) served(addresses, pods []string) {
	c.Helper()
	want := slices.Sorted(slices.Values(pods))
	c.eventually(fmt.Sprintf("slices list %d endpoints", len(pods)), func() string {
		list, err := c.client.DiscoveryV1().EndpointSlices(namespace).List(c.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + app})
		var have []string
		for _, s := range list.Items {
			for _, e := range s.Endpoints {
				if e.Conditions.Ready != nil && *e.Conditions.Ready && e.TargetRef != nil {
					have = append(have, e.TargetRef.Name)
				}
			}
		}
		if slices.Sort(have); err == nil && !slices.Equal(have, want) {
			return fmt.Sprintf("%v, want %v", have, want)
		}
		return text(err)
	})
	for _, address := range addresses {
		c.eventually(fmt.Sprintf("%s is answered by %d pods", address, len(pods)), func() string {
			seen := map[string]bool{}
			// With four pods, one of them is left out of 60 answers once in ten million times.
			for range 60 {
				host, err := c.ask(address)
				if err != nil {
					return err.Error()
				}
				seen[host] = true
			}
			if have := slices.Sorted(maps.Keys(seen)); !slices.Equal(have, want) {
				return fmt.Sprintf("answers of %v, want %v", have, want)
			}
			return ""
		})
	}
}

// oneEach makes a connection for each question: the proxy chooses by connection.
var oneEach = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (c *cluster) ask(address string) (string, error) {
	resp, err := oneEach.Get("http://" + address + "/hostname")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// reachedFromPod uses the service by its DNS name from inside, through exec, and reads a log: both go from the API server to
// the kubelet.
func (c *cluster) reachedFromPod(pod string) {
	c.Helper()
	name := app + "." + namespace + ".svc.cluster.local:80"
	c.eventually("exec reaches the service by name", func() string {
		out, err := c.exec(pod, "/agnhost", "connect", "--timeout=2s", name)
		if err != nil {
			return fmt.Sprintf("%v: %s", err, out)
		}
		return ""
	})
	log, err := c.client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(c.Context())
	c.must(err)
	if !strings.Contains(string(log), "Started HTTP server on port "+itoa(port)) {
		c.Errorf("the pod's log is %q", log)
	}
}

func (c *cluster) exec(pod string, command ...string) (string, error) {
	request := c.client.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(c.config, "GET", request.URL().String())
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	var out bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &out})
	return out.String(), err
}

func (c *cluster) scale(n int32) {
	c.Helper()
	_, err := c.client.AppsV1().Deployments(namespace).UpdateScale(c.Context(), app,
		&autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: app, Namespace: namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: n}}, metav1.UpdateOptions{})
	c.must(err)
}

func (c *cluster) patch(patch string) {
	c.Helper()
	_, err := c.client.AppsV1().Deployments(namespace).Patch(c.Context(), app, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	c.must(err)
}

// remove deletes everything and looks for remains in the API, in the kernel and in the container runtime.
func (c *cluster) remove(addresses []string, clusterIP string) {
	c.Helper()
	if rules := c.inside("nft", "list", "ruleset"); !strings.Contains(rules, clusterIP) {
		c.Errorf("the rules do not name %s while it is served: the search for remains would find nothing", clusterIP)
	}
	foreground := metav1.DeletePropagationForeground
	c.must(c.client.AppsV1().Deployments(namespace).Delete(c.Context(), app, metav1.DeleteOptions{PropagationPolicy: &foreground}))
	c.eventually("the Deployment and all it owned are gone", func() string {
		_, err := c.client.AppsV1().Deployments(namespace).Get(c.Context(), app, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return "deployment: " + text(err)
		}
		sets, err := c.client.AppsV1().ReplicaSets(namespace).List(c.Context(), metav1.ListOptions{})
		if err != nil || len(sets.Items) > 0 {
			return fmt.Sprintf("%d ReplicaSets, %v", len(sets.Items), err)
		}
		return c.pods()
	})
	c.must(c.client.CoreV1().Services(namespace).Delete(c.Context(), app, metav1.DeleteOptions{}))
	c.eventually("the slices are gone", func() string {
		slices, err := c.client.DiscoveryV1().EndpointSlices(namespace).List(c.Context(), metav1.ListOptions{})
		if err == nil && len(slices.Items) > 0 {
			return fmt.Sprintf("%d slices", len(slices.Items))
		}
		return text(err)
	})
	c.eventually("no rule names the service", func() string {
		for _, address := range addresses {
			if host, err := c.ask(address); err == nil {
				return fmt.Sprintf("%s is still answered by %s", address, host)
			}
		}
		for line := range strings.Lines(c.inside("nft", "list", "ruleset")) {
			// Upstream's proxy keeps chains that nothing leads to until its next change.
			leads := strings.Contains(line, clusterIP+" ") || strings.Contains(line, "goto service-") && strings.Contains(line, namespace+"/"+app)
			if leads || !slices.Contains(c.mix.upstream, "kube-proxy") && strings.Contains(line, namespace+"/"+app) {
				return line
			}
		}
		return ""
	})
	c.must(c.client.CoreV1().Namespaces().Delete(c.Context(), namespace, metav1.DeleteOptions{}))
	c.eventually("the namespace is gone", func() string {
		ns, err := c.client.CoreV1().Namespaces().Get(c.Context(), namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("%+v %v", ns.Status, err)
	})
	c.eventually("no container is left on the node", func() string {
		return c.inside(nodeBinDir()+"/ctr", "--address=/run/tiphys/containerd/containerd.sock", "--namespace=k8s.io",
			"containers", "list", "--quiet", `labels."io.kubernetes.pod.namespace"==`+namespace)
	})
}
