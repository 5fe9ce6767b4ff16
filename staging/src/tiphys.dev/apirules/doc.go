// Package apirules is the root of the rules that standard Kubernetes objects obey: defaults, validation and warnings.
package apirules
