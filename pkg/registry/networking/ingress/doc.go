// Package ingress is what the API does with ingresses: HTTP routes from outside.
// What one must look like is in tiphys.dev/apirules/networking/ingress.
package ingress
