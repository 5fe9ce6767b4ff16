// Package validatingadmissionpolicybinding is what the API does with validatingadmissionpolicybindings: where a validating policy holds.
// What one must look like is in tiphys.dev/apirules/admissionregistration/validatingadmissionpolicybinding.
package validatingadmissionpolicybinding
