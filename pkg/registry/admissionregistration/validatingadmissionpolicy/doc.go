// Package validatingadmissionpolicy is what the API does with validatingadmissionpolicies: expressions that refuse requests.
// What one must look like is in tiphys.dev/apirules/admissionregistration/validatingadmissionpolicy.
package validatingadmissionpolicy
