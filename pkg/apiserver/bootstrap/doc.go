// Package bootstrap writes the objects that every cluster has: the system namespaces, the default roles and bindings, the
// built-in priority classes, the flow schemas of priority and fairness, the trust that aggregated API servers read, and the
// lease that says this server lives.
//
// Each function is called after the server has started to serve, does its work through the API and can be called again: what
// exists is repaired and not replaced. What an administrator changed stays, where the object's annotations say so.
package bootstrap
