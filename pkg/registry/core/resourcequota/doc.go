// Package resourcequota is what the API does with resourcequotas: the limits of what a namespace holds in all.
// What one must look like is in tiphys.dev/apirules/core/resourcequota.
package resourcequota
