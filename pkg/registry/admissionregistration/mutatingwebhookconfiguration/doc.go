// Package mutatingwebhookconfiguration is what the API does with mutatingwebhookconfigurations: webhooks that change requests.
// What one must look like is in tiphys.dev/apirules/admissionregistration/mutatingwebhookconfiguration.
package mutatingwebhookconfiguration
