// Package secret is what the API does with secrets: small pieces of confidential data.
// What one must look like is in tiphys.dev/apirules/core/secret.
package secret
