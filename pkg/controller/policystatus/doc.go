// Package policystatus checks the types in the expressions of each ValidatingAdmissionPolicy against the schemas of what it matches,
// and writes the warnings into its status. A policy is checked once a generation.
package policystatus
