// Package mutatingadmissionpolicybinding is what the API does with mutatingadmissionpolicybindings: where a mutating policy holds.
// What one must look like is in tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicybinding.
package mutatingadmissionpolicybinding
