// Package clientcert says who a request is from by the client certificate of its connection.
//
// The published authenticator verifies the certificate again for every request: a signature check, a fifth of all that a get costs. A
// connection's certificate does not change, so here what the published authenticator says is remembered for as long as it would say the same:
//
//   - while the certificate and those that signed it are within their validity, and at most for MaxAge;
//   - for the trusted certificates of the moment: with a new client CA everybody is verified again.
//
// Only what was accepted is remembered. Requests are counted in the published metric in either case.
package clientcert
