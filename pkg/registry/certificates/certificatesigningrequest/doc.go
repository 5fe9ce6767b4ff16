// Package certificatesigningrequest is what the API does with certificatesigningrequests: requests for certificates.
// What one must look like is in tiphys.dev/apirules/certificates/certificatesigningrequest.
package certificatesigningrequest
