// Package podtolerationrestriction gives pods the default tolerations of their namespace and refuses those that the namespace's
// whitelist does not have. Annotations of the namespace come before the plugin's configuration. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podtolerationrestriction.
package podtolerationrestriction
