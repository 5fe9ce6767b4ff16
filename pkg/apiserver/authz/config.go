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
func (c *Config) Validate() []error {
	var errs []error
	if c.ConfigFile != "" {
		if len(c.Modes) > 0 || c.webhookUsed() {
			errs = append(errs, errors.New("--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined"))
		}
		return errs
	}
	known := []string{ModeAlwaysAllow, ModeAlwaysDeny, ModeABAC, ModeWebhook, ModeRBAC, ModeNode}
	for _, m := range c.Modes {
		if !slices.Contains(known, m) {
			errs = append(errs, fmt.Errorf("authorization-mode %q is not a valid mode", m))
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(c.Modes)))) < len(c.Modes) {
		errs = append(errs, fmt.Errorf("authorization-mode %q has mode specified more than once", c.Modes))
	}
	switch abac := slices.Contains(c.Modes, ModeABAC); {
	case abac && c.PolicyFile == "":
		errs = append(errs, errors.New("authorization-mode ABAC's authorization policy file not passed"))
	case !abac && c.PolicyFile != "":
		errs = append(errs, errors.New("cannot specify --authorization-policy-file without mode ABAC"))
	}
	switch webhook := slices.Contains(c.Modes, ModeWebhook); {
	case webhook && c.WebhookConfigFile == "":
		errs = append(errs, errors.New("authorization-mode Webhook's authorization config file not passed"))
	case !webhook && c.WebhookConfigFile != "":
		errs = append(errs, errors.New("cannot specify --authorization-webhook-config-file without mode Webhook"))
	}
	return errs
}

// webhookUsed tells whether a setting of mode Webhook differs from the defaults.
func (c *Config) webhookUsed() bool {
	d := NewConfig()
	return c.WebhookConfigFile != "" || c.WebhookVersion != d.WebhookVersion ||
		c.WebhookAuthorizedTTL != d.WebhookAuthorizedTTL || c.WebhookUnauthorizedTTL != d.WebhookUnauthorizedTTL
}
