// Package attributes holds what the access reviews share: checks of the question they ask.
package attributes
