package check

import apivalidation "k8s.io/apimachinery/pkg/api/validation"

// WholeName checks names as DNS subdomains, and leaves prefixes of generated names: the server looks at what it makes of them.
func WholeName(name string, prefix bool) []string {
	if prefix {
		return nil
	}
	return apivalidation.NameIsDNSSubdomain(name, false)
}
