// Package networkpolicy is what the API does with networkpolicies: who may talk to which pods.
// What one must look like is in tiphys.dev/apirules/networking/networkpolicy.
package networkpolicy
