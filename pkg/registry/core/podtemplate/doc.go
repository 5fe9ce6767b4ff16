// Package podtemplate is what the API does with podtemplates: templates of pods that no controller owns.
// What one must look like is in tiphys.dev/apirules/core/podtemplate.
package podtemplate
