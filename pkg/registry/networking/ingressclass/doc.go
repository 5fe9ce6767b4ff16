// Package ingressclass is what the API does with ingressclasses: who carries out ingresses.
// What one must look like is in tiphys.dev/apirules/networking/ingressclass.
package ingressclass
