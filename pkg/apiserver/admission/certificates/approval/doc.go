// Package approval lets only those approve or deny a certificate signing request who may approve for its signer.
package approval
