package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// Delegate builds Access as the configuration says: client certificates, tokens reviewed by the API server, and what a user may
// decided there too. run must run as long as the server: it follows the CA file.
func Delegate(cfg *kubeletconfigv1beta1.KubeletConfiguration, client kubernetes.Interface) (access Access, run func(context.Context), err error) {
	run = func(ctx context.Context) { <-ctx.Done() }
	authn := authenticatorfactory.DelegatingAuthenticatorConfig{
		Anonymous:                &apiserver.AnonymousAuthConfig{Enabled: cfg.Authentication.Anonymous.Enabled != nil && *cfg.Authentication.Anonymous.Enabled},
		CacheTTL:                 cfg.Authentication.Webhook.CacheTTL.Duration,
		WebhookRetryBackoff:      options.DefaultAuthWebhookRetryBackoff(),
		TokenAccessReviewTimeout: 10 * time.Second,
	}
	if enabled := cfg.Authentication.Webhook.Enabled; enabled != nil && *enabled {
		if client == nil {
			return access, run, fmt.Errorf("webhook authentication needs an API server")
		}
		authn.TokenAccessReviewClient = client.AuthenticationV1()
	}
	if file := cfg.Authentication.X509.ClientCAFile; file != "" {
		ca, err := dynamiccertificates.NewDynamicCAContentFromFile("client-ca", file)
		if err != nil {
			return access, run, fmt.Errorf("reading client CA: %w", err)
		}
		authn.ClientCertificateCAContentProvider = ca
		run = func(ctx context.Context) { ca.Run(ctx, 1) }
	}
	if access.Authenticator, _, err = authn.New(); err != nil {
		return access, run, fmt.Errorf("building authentication: %w", err)
	}
	switch mode := cfg.Authorization.Mode; mode {
	case kubeletconfigv1beta1.KubeletAuthorizationModeAlwaysAllow:
		access.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	case kubeletconfigv1beta1.KubeletAuthorizationModeWebhook, "":
		if client == nil {
			return access, run, fmt.Errorf("webhook authorization needs an API server")
		}
		access.Authorizer, err = authorizerfactory.DelegatingAuthorizerConfig{
			SubjectAccessReviewClient: client.AuthorizationV1(),
			AllowCacheTTL:             cfg.Authorization.Webhook.CacheAuthorizedTTL.Duration,
			DenyCacheTTL:              cfg.Authorization.Webhook.CacheUnauthorizedTTL.Duration,
			WebhookRetryBackoff:       options.DefaultAuthWebhookRetryBackoff(),
		}.New()
		if err != nil {
			return access, run, fmt.Errorf("building authorization: %w", err)
		}
	default:
		return access, run, fmt.Errorf("unknown authorization mode %q", mode)
	}
	return access, run, nil
}

// Subresources names the subresources of "nodes" of which one must be allowed for the path, the narrow one first.
func Subresources(path string) []string {
	under := func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	switch {
	case under("/stats"):
		return []string{"stats"}
	case under("/metrics"):
		return []string{"metrics"}
	case under("/logs"):
		return []string{"log"}
	case under("/checkpoint"):
		return []string{"checkpoint"}
	case under("/statusz"):
		return []string{"statusz"}
	case under("/pods"), under("/runningpods"):
		return []string{"pods", "proxy"}
	case under("/healthz"):
		return []string{"healthz", "proxy"}
	case under("/configz"):
		return []string{"configz", "proxy"}
	}
	return []string{"proxy"}
}

var verbs = map[string]string{http.MethodPost: "create", http.MethodGet: "get", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}

// Attributes are the questions of which one must be answered with yes.
func Attributes(u user.Info, node string, r *http.Request) []authorizer.Attributes {
	var out []authorizer.Attributes
	for _, sub := range Subresources(r.URL.Path) {
		out = append(out, authorizer.AttributesRecord{User: u, Verb: verbs[r.Method], APIVersion: "v1", Resource: "nodes", Subresource: sub,
			Name: node, ResourceRequest: true, Path: r.URL.Path})
	}
	return out
}

// guard lets a request pass when somebody known asks and one of the questions is answered with yes.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access := s.cfg.Access
		if access.Authenticator == nil {
			next.ServeHTTP(w, r)
			return
		}
		who, ok, err := access.Authenticator.AuthenticateRequest(r)
		if err != nil || !ok {
			if err != nil {
				klog.FromContext(r.Context()).V(2).Info("Unable to authenticate the request", "err", err)
			}
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if access.Authorizer == nil {
			next.ServeHTTP(w, r)
			return
		}
		var first authorizer.Attributes
		for _, attributes := range Attributes(who.User, s.cfg.NodeName, r) {
			if first == nil {
				first = attributes
			}
			decision, _, err := access.Authorizer.Authorize(r.Context(), attributes)
			if err != nil && decision != authorizer.DecisionAllow {
				http.Error(w, fmt.Sprintf("Authorization error (user=%s, verb=%s, resource=%s, subresource=%s)", who.User.GetName(), attributes.GetVerb(),
					attributes.GetResource(), attributes.GetSubresource()), http.StatusInternalServerError)
				return
			}
			if decision == authorizer.DecisionAllow {
				next.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, fmt.Sprintf("Forbidden (user=%s, verb=%s, resource=%s, subresource(s)=%v)\n", who.User.GetName(), first.GetVerb(),
			first.GetResource(), Subresources(r.URL.Path)), http.StatusForbidden)
	})
}
