// Package resourceclaimtemplate is what the API does with resourceclaimtemplates: claims that are made for each pod.
// What one must look like is in tiphys.dev/apirules/resource/resourceclaimtemplate.
package resourceclaimtemplate
