// Package rules holds what roles and bindings of one namespace and of the whole cluster share: checks of policy rules,
// subjects and role references.
package rules
