package version

import (
	"strings"

	"k8s.io/component-base/version"
)

// Get is the version, such as v1.36.6+tiphys.1, or "unstamped" for a build without the Makefile.
func Get() string {
	v := version.Get().GitVersion
	if strings.Contains(v, "$Format") {
		return "unstamped"
	}
	return v
}

// Details are the facts of the build, one a line.
func Details() string {
	info := version.Get()
	return strings.Join([]string{
		"commit:   " + info.GitCommit + " (" + info.GitTreeState + ")",
		"built:    " + info.BuildDate,
		"compiler: " + info.GoVersion + " " + info.Platform,
	}, "\n")
}
