// Package podsecurity holds pods and the templates of workloads to the Pod Security Standard that labels of their namespace name:
// enforced, warned about, or noted in the audit log. k8s.io/pod-security-admission decides; this package reads the
// configuration and translates requests and answers. See https://kubernetes.io/docs/concepts/security/pod-security-admission/.
package podsecurity
