// Package validatingwebhookconfiguration is what the API does with validatingwebhookconfigurations: webhooks that refuse requests.
// What one must look like is in tiphys.dev/apirules/admissionregistration/validatingwebhookconfiguration.
package validatingwebhookconfiguration
