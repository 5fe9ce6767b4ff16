// Package celcheck compiles the CEL expressions in webhooks and admission policies, to find out whether they are well
// formed before anything depends on them. It uses the compiler that will run them later, from k8s.io/apiserver.
package celcheck
