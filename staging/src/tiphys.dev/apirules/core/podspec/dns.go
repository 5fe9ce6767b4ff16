package podspec

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// What a resolver's configuration file can hold.
const (
	mostNameservers      = 3
	mostSearchPaths      = 32
	longestSearchPathSum = 2048
)

func validateDNS(spec *v1.PodSpec, path *field.Path, opts Options) field.ErrorList {
	errs := check.RequiredOneOf(path.Child("dnsPolicy"), spec.DNSPolicy, v1.DNSClusterFirstWithHostNet, v1.DNSClusterFirst, v1.DNSDefault, v1.DNSNone)
	config, at := spec.DNSConfig, path.Child("dnsConfig")
	if spec.DNSPolicy == v1.DNSNone {
		if config == nil {
			return append(errs, field.Required(at, fmt.Sprintf("must provide `dnsConfig` when `dnsPolicy` is %s", v1.DNSNone)))
		}
		if len(config.Nameservers) == 0 {
			errs = append(errs, field.Required(at.Child("nameservers"), fmt.Sprintf("must provide at least one DNS nameserver when `dnsPolicy` is %s", v1.DNSNone)))
		}
	}
	if config == nil {
		return errs
	}
	if len(config.Nameservers) > mostNameservers {
		errs = append(errs, field.Invalid(at.Child("nameservers"), config.Nameservers, fmt.Sprintf("must not have more than %v nameservers", mostNameservers)))
	}
	for i, ns := range config.Nameservers {
		errs = append(errs, validation.IsValidIPForLegacyField(at.Child("nameservers").Index(i), ns, true, opts.KnownIPs)...)
	}
	errs = append(errs, validateSearches(config.Searches, at.Child("searches"))...)
	for i, o := range config.Options {
		if o.Name == "" {
			errs = append(errs, field.Required(at.Child("options").Index(i), "must not be empty"))
		}
	}
	return errs
}

func validateSearches(searches []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(searches) > mostSearchPaths {
		errs = append(errs, field.Invalid(path, searches, fmt.Sprintf("must not have more than %v search paths", mostSearchPaths)))
	}
	if len(strings.Join(searches, " ")) > longestSearchPathSum {
		errs = append(errs, field.Invalid(path, searches, fmt.Sprintf("must not have more than %v characters (including spaces) in the search list", longestSearchPathSum)))
	}
	for i, s := range searches {
		// A lone dot is the root, and service names (SRV) have underscores.
		if s == "." {
			continue
		}
		s = strings.TrimSuffix(s, ".")
		errs = append(errs, check.Messages(path.Index(i), s, validation.IsDNS1123SubdomainWithUnderscore(s))...)
	}
	return errs
}
