// Package serviceaccount keeps a service account named "default" in every active namespace.
package serviceaccount
