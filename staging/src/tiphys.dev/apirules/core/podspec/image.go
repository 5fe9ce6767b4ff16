package podspec

import (
	"regexp"

	v1 "k8s.io/api/core/v1"
)

// imageReference is the grammar of image names (github.com/distribution/reference): optional host and port, lower case
// path, optional tag, optional digest.
var imageReference = func() *regexp.Regexp {
	const (
		label     = `(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
		host      = `(?:` + label + `(?:\.` + label + `)*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?`
		component = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	)
	return regexp.MustCompile(`^(?:` + host + `/)?` + component + `(?:/` + component + `)*` +
		`(?::(?P<tag>[\w][\w.-]{0,127}))?` +
		`(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)
}()

// longestName is how long the name of an image may be, without the tag.
const longestName = 255

// pullPolicyFor says how an image is pulled when nobody says: always if it may change under its name, which is so for
// the tag "latest", given or implied.
func pullPolicyFor(image string) v1.PullPolicy {
	match := imageReference.FindStringSubmatch(image)
	if match == nil || len(image) > longestName && match[imageReference.SubexpIndex("tag")] == "" {
		return v1.PullIfNotPresent
	}
	tag, digest := match[imageReference.SubexpIndex("tag")], match[imageReference.SubexpIndex("digest")]
	if tag == "latest" || tag == "" && digest == "" {
		return v1.PullAlways
	}
	return v1.PullIfNotPresent
}
