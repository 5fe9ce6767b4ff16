// Package eventratelimit refuses events that come too often: in all, from one namespace, from one user, or of one source about
// one object, as the configuration says. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#eventratelimit.
package eventratelimit
