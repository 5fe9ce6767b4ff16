// Package scheme holds the one runtime.Scheme of the API server: which Go type stands for which group, version and kind,
// the defaults of each, and the codecs made from them.
//
// The published k8s.io/api types are the in-memory types (docs/architecture.md, "One type for each kind"). The generic API
// server insists on an in-memory version named "__internal", so the type of a group's hub version is registered under that
// version, too; the scheme then converts nothing, because source and target are the same Go type. Only kinds that a group
// serves in several versions, and events, which two groups share, have conversion functions; they stand in convert_*.go.
package scheme
