// Package namespaceautoprovision makes the namespace of an object that is created, when it is not there.
package namespaceautoprovision
