// Package connect hands a request of a connect subresource on to where it belongs: a kubelet, a pod, a service, a node. Plain
// requests and upgraded connections (exec, attach, port forwarding, proxies) go through it alike.
package connect
