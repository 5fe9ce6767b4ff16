// Package healthcheck answers those who ask whether traffic should come here.
//
// Proxy says whether the rules are up to date and the node stays (/healthz) and
// whether the proxy works (/livez); load balancers ask it for services under the Cluster policy.
// Services serves one port for each Service with a health check node port and says whether
// the node has endpoints of it; load balancers ask it for services under the Local policy.
package healthcheck
