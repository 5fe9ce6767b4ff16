// Package namespace tests the life of namespaces in the API: what a deletion marks, and what keeps one.
package namespace
