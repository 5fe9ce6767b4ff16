// Package apirules is the root of the rules that standard Kubernetes objects obey: defaults, validation and warnings.
//
// Each kind has a folder of its own below (core/pod, apps/deployment, …) with SetDefaults, Validate, ValidateUpdate and
// Warnings for its type. Lookup and Kinds give the same rules for programs that learn the kind at run time, and AddDefaults
// registers all defaults with a scheme. Everything is pure: no server, no clock, no globals that change.
package apirules
