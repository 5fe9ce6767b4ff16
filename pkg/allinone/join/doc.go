// Package join makes a machine a node of a cluster that runs elsewhere.
//
//	discover     ask for kube-public/cluster-info, unverified and saying nothing secret; the hash in
//	             the token says whether the authority in it is the cluster's, the signature whether
//	             the token is one of the cluster's
//	credentials  with the token, ask for the node's client certificate (once); with that, for the
//	             kubelet's serving certificate and the proxy's client certificate
//	Facts        with that, read how all nodes are configured
//
// All of it is kept in a folder: a later start needs neither the token nor the server. Keeper renews
// the certificates before they end, under the same file names.
//
// Every way in which people get this wrong has its sentence, in explain.go or where it is found.
package join
