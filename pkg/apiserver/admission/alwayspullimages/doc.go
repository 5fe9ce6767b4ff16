// Package alwayspullimages has every image pulled anew, so that nobody runs a private image with the credentials that another
// tenant of the node pulled it with. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages.
package alwayspullimages
