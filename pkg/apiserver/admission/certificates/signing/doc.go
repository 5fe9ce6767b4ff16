// Package signing lets only those put a certificate, or the news that signing failed, into a certificate signing request who may
// sign for its signer.
package signing
