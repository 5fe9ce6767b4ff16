package signers

import (
	"context"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/klog/v2"
)

// Allowed tells whether the user has the verb on the signer by its full name, or on all signers of its domain (example.com/*).
func Allowed(ctx context.Context, a authorizer.Authorizer, u user.Info, verb, signer string) bool {
	domain, _, _ := strings.Cut(signer, "/")
	for _, name := range []string{signer, domain + "/*"} {
		decision, reason, err := a.Authorize(ctx, authorizer.AttributesRecord{
			User: u, Verb: verb, Name: name, APIGroup: "certificates.k8s.io", APIVersion: "*", Resource: "signers", ResourceRequest: true,
		})
		switch {
		case err != nil:
			klog.FromContext(ctx).V(5).Info("Could not authorize for signer", "err", err, "signer", name)
		case decision == authorizer.DecisionAllow:
			return true
		default:
			klog.FromContext(ctx).V(5).Info("Not authorized for signer", "reason", reason, "signer", name)
		}
	}
	return false
}
