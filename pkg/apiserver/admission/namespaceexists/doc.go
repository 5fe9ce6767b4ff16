// Package namespaceexists refuses objects of namespaces that are not there. NamespaceLifecycle, which is on by default, does so too.
package namespaceexists
