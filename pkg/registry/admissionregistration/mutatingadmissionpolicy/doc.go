// Package mutatingadmissionpolicy is what the API does with mutatingadmissionpolicies: expressions that change requests.
// What one must look like is in tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicy.
package mutatingadmissionpolicy
