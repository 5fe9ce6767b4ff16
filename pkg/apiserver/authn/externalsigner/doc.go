// Package externalsigner lets another process on the machine sign service account tokens (KEP-740): the private keys never
// come near the API server.
//
// The process serves k8s.io/externaljwt on a unix socket. New asks it once for its limits and its public keys; Run fetches
// the keys again as often as it asks for. A token with an unknown key identifier makes Find fetch them at once, so that a
// rotated key is known when its first token comes.
package externalsigner
