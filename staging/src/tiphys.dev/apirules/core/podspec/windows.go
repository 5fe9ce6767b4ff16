package podspec

import (
	"fmt"
	"regexp"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	longestCredentialSpec = 64 * 1024
	longestUserName       = 256 // of DOMAIN\user as a whole
	longestDomain         = 256
	longestUser           = 104
)

var (
	controlCharacters = regexp.MustCompile(`[[:cntrl:]]`)
	netBIOSDomain     = regexp.MustCompile(`^[^\.\\/:\*\?"<>|][^\\/:\*\?"<>|]{0,14}$`)
	dnsDomain         = regexp.MustCompile(`^[^\\/:\*\?"<>|]+$`)
	userName          = regexp.MustCompile(`^[^"/\\:;|=,\+\*\?<>@\[\]]+$`)
	onlyDotsOrSpaces  = regexp.MustCompile(`^[\. ]+$`)
)

func validateWindowsOptions(o *v1.WindowsSecurityContextOptions, path *field.Path) field.ErrorList {
	if o == nil {
		return nil
	}
	var errs field.ErrorList
	if o.GMSACredentialSpecName != nil {
		errs = append(errs, check.DNSSubdomain(path.Child("gmsaCredentialSpecName"), *o.GMSACredentialSpecName)...)
	}
	if o.GMSACredentialSpec != nil {
		at := path.Child("gmsaCredentialSpec")
		if n := len(*o.GMSACredentialSpec); n == 0 {
			errs = append(errs, field.Invalid(at, o.GMSACredentialSpec, "gmsaCredentialSpec cannot be an empty string"))
		} else if n > longestCredentialSpec {
			errs = append(errs, field.Invalid(at, o.GMSACredentialSpec, fmt.Sprintf("gmsaCredentialSpec size must be under %d KiB", longestCredentialSpec/1024)))
		}
	}
	if o.RunAsUserName != nil {
		errs = append(errs, validateUserName(*o.RunAsUserName, path.Child("runAsUserName"))...)
	}
	return errs
}

// validateUserName checks a user, with or without "DOMAIN\" in front.
func validateUserName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Invalid(path, name, "runAsUserName cannot be an empty string")}
	}
	if controlCharacters.MatchString(name) {
		return field.ErrorList{field.Invalid(path, name, "runAsUserName cannot contain control characters")}
	}
	var errs field.ErrorList
	wrong := func(detail string) { errs = append(errs, field.Invalid(path, name, detail)) }
	parts := strings.Split(name, `\`)
	if len(parts) > 2 {
		return field.ErrorList{field.Invalid(path, name, "runAsUserName cannot contain more than one backslash")}
	}
	user := parts[len(parts)-1]
	if len(parts) == 2 {
		domain := parts[0]
		if len(domain) > longestDomain {
			wrong(fmt.Sprintf("runAsUserName's Domain length must be under %d characters", longestDomain))
		}
		if !netBIOSDomain.MatchString(domain) && !dnsDomain.MatchString(domain) {
			wrong("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
		}
	}
	if user == "" {
		wrong("runAsUserName's User cannot be empty")
		return errs
	}
	if len(user) > longestUser {
		wrong(fmt.Sprintf("runAsUserName's User length must not be longer than %d characters", longestUser))
	}
	if onlyDotsOrSpaces.MatchString(user) {
		wrong("runAsUserName's User cannot contain only periods or spaces")
	}
	if !userName.MatchString(user) {
		wrong(`runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]`)
	}
	return errs
}

// validateWindowsHostProcess: containers that run as processes of the host cannot live beside such that do not, and
// need the host's network.
func validateWindowsHostProcess(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var podSays *bool
	if spec.SecurityContext != nil && spec.SecurityContext.WindowsOptions != nil {
		podSays = spec.SecurityContext.WindowsOptions.HostProcess
	}
	var errs field.ErrorList
	host, total := 0, 0
	each := func(list string, containers []v1.Container) {
		for i, c := range containers {
			total++
			says := podSays
			if c.SecurityContext != nil && c.SecurityContext.WindowsOptions != nil && c.SecurityContext.WindowsOptions.HostProcess != nil {
				says = c.SecurityContext.WindowsOptions.HostProcess
				if podSays != nil && *podSays != *says {
					errs = append(errs, field.Invalid(path.Child(list).Index(i).Child("securityContext", "windowsOptions", "hostProcess"), says,
						fmt.Sprintf("pod hostProcess value must be identical if both are specified, was %v", *podSays)))
				}
			}
			if isTrue(says) {
				host++
			}
		}
	}
	each("containers", spec.Containers)
	each("initContainers", spec.InitContainers)
	ephemeral := make([]v1.Container, len(spec.EphemeralContainers))
	for i := range spec.EphemeralContainers {
		ephemeral[i] = v1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon)
	}
	each("ephemeralContainers", ephemeral)
	if host == 0 {
		return errs
	}
	if host != total {
		errs = append(errs, field.Invalid(path, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers"))
	}
	if !spec.HostNetwork {
		errs = append(errs, field.Invalid(path.Child("hostNetwork"), spec.HostNetwork, "hostNetwork must be true if pod contains any hostProcess containers"))
	}
	return errs
}
