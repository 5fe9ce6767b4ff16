// Package policyrules holds what validating and mutating admission policies and their bindings share: what they match,
// their parameters, variables and conditions.
package policyrules
