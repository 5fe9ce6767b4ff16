package authz

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The names of the modes, as in --authorization-mode.
const (
	ModeAlwaysAllow = "AlwaysAllow"
	ModeAlwaysDeny  = "AlwaysDeny"
	ModeABAC        = "ABAC"
	ModeWebhook     = "Webhook"
	ModeRBAC        = "RBAC"
	ModeNode        = "Node"
)

// Config says which authorizers there are and in which order.
type Config struct {
	// Modes in order; the first one that has an opinion decides.
	Modes []string
	// ConfigFile is a structured AuthorizationConfiguration (KEP-3221) and replaces Modes and the webhook settings.
	ConfigFile string
	// PolicyFile holds the policies of mode ABAC.
	PolicyFile string
	// The settings of mode Webhook.
	WebhookConfigFile, WebhookVersion            string
	WebhookAuthorizedTTL, WebhookUnauthorizedTTL time.Duration
}

// NewConfig returns the defaults of upstream's flags.
func NewConfig() Config {
	return Config{
		WebhookVersion: "v1beta1", WebhookAuthorizedTTL: 5 * time.Minute, WebhookUnauthorizedTTL: 30 * time.Second,
	}
}

// EffectiveModes are the modes in force: without any, everything is allowed.
func (c *Config) EffectiveModes() []string {
	if len(c.Modes) == 0 {
		return []string{ModeAlwaysAllow}
	}
	return c.Modes
}

// Validate tells which settings contradict each other.
func (c *Config) Validate() error {
	var errs []error
	if c.ConfigFile != "" {
		if len(c.Modes) > 0 || c.WebhookConfigFile != "" || c.PolicyFile != "" {
			errs = append(errs, errors.New("--authorization-config can not be specified together with --authorization-mode or --authorization-webhook-* flags"))
		}
		return errors.Join(errs...)
	}
	known := []string{ModeAlwaysAllow, ModeAlwaysDeny, ModeABAC, ModeWebhook, ModeRBAC, ModeNode}
	for i, m := range c.Modes {
		if !slices.Contains(known, m) {
			errs = append(errs, fmt.Errorf("authorization-mode %q is not a valid mode", m))
		}
		if slices.Contains(c.Modes[:i], m) {
			errs = append(errs, fmt.Errorf("authorization-mode %q has mode specified more than once", m))
		}
	}
	if slices.Contains(c.Modes, ModeABAC) != (c.PolicyFile != "") {
		errs = append(errs, errors.New("authorization-mode ABAC and --authorization-policy-file must be given together"))
	}
	if slices.Contains(c.Modes, ModeWebhook) != (c.WebhookConfigFile != "") {
		errs = append(errs, errors.New("authorization-mode Webhook and --authorization-webhook-config-file must be given together"))
	}
	return errors.Join(errs...)
}
