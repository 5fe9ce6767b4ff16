// Package flags shows what each flag of kube-apiserver does: upstream's binary and ours are started with a telling value, a probe
// looks at both, and the two must tell the same. Servers without the flag are probed too, and must tell something else: a probe
// that cannot see the flag proves nothing. Values that make no sense must be refused by both at the start, with the same exit
// code and the same words or, where a row says so, the same meaning.
//
// A row of effects is one start of both servers: arguments, files, and a probe for each flag. Flags that do not disturb each
// other share a start. All servers keep their objects in one etcd, each under its own prefix. What was seen is in docs/flags.md.
//
// The tests skip where upstream's binaries or our kube-apiserver are not built. ORACLE_APISERVER names another binary of ours.
package flags
