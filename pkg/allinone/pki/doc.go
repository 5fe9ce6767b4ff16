// Package pki keeps the certificates and keys of one cluster in a folder.
//
// Ensure is level-driven: it makes what is missing and renews what no longer fits (other names or
// addresses, another signer, a key that is not the certificate's, or less than a third of its
// life left), and leaves all else alone. The two authorities and the service account key are made
// once and never replaced: everything signed by them would become worthless. A damaged one is an
// error that says so.
//
// The layout and the names of files and subjects are those of kubeadm, so its documentation
// holds here as well:
//
//	ca.{crt,key}                       signs API server, clients, kubelets
//	front-proxy-ca.{crt,key}           signs the aggregator's client certificate
//	sa.{key,pub}                       signs service account tokens
//	apiserver.{crt,key}                serving
//	apiserver-kubelet-client.{crt,key} API server → kubelet
//	front-proxy-client.{crt,key}       API server → aggregated API servers
//	<client>.{crt,key}                 admin, controller-manager, scheduler, proxy, kubelet
//	kubelet-server.{crt,key}           serving
//
// Each pair is written key first, certificate second, each atomically: a crash between the two
// leaves a pair that does not fit, which the next Ensure renews.
package pki
