// Package ownerreferences checks that who makes an object the dependent of another could delete the dependent himself, since the
// garbage collector will on his behalf, and that who blocks the owner's deletion may change the owner's finalizers. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement.
package ownerreferences
