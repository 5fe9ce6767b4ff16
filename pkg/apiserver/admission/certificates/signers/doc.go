// Package signers asks whether a user may do something in the name of a signer of certificates. The certificate plugins share it.
package signers
