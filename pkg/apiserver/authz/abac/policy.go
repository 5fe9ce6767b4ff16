package abac

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/klog/v2"
)

const (
	apiVersion = "abac.authorization.kubernetes.io/v1beta1"
	kind       = "Policy"
	all        = "*"
)

// Policy allows a user or a group something. A property that is not set matches only what has no such property; a star
// matches everything.
type Policy struct {
	// User and Group say whom the policy is for. One that is not set does not restrict; a policy with neither is for nobody,
	// and one with a star in either for all who are authenticated.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	// Readonly allows get, list and watch of resources, and get of other paths.
	Readonly bool `json:"readonly,omitempty"`

	APIGroup  string `json:"apiGroup,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Namespace string `json:"namespace,omitempty"`

	// NonResourcePath is a path that is no resource; a trailing star matches every path that begins so.
	NonResourcePath string `json:"nonResourcePath,omitempty"`
}

// parse reads policies, one a line; empty lines and lines that begin with # are skipped.
func parse(file string, text []byte) ([]Policy, error) {
	var policies []Policy
	unversioned := 0
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		p, versioned, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("error reading policy file %s, line %d: %s: %w", file, number, line, err)
		}
		if !versioned {
			unversioned++
		}
		policies = append(policies, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("error reading policy file %s: %w", file, err)
	}
	if unversioned > 0 {
		klog.InfoS("The policy file holds rules of no version; see https://kubernetes.io/docs/reference/access-authn-authz/abac/", "file", file, "rules", unversioned)
	}
	return policies, nil
}

func parseLine(line []byte) (policy Policy, versioned bool, err error) {
	var document struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Spec       Policy `json:"spec"`
	}
	if err := json.Unmarshal(line, &document); err != nil {
		return Policy{}, false, err
	}
	if document.APIVersion == "" && document.Kind == "" {
		policy, err := parseOldest(line)
		return policy, false, err
	}
	if document.APIVersion != apiVersion || document.Kind != kind {
		return Policy{}, true, fmt.Errorf("no kind %q is registered for version %q, only %s of %s", document.Kind, document.APIVersion, kind, apiVersion)
	}
	return document.Spec.forEverybody(), true, nil
}

// forEverybody reads a star for user or group as what it stands for: all who are authenticated, and nobody else.
func (p Policy) forEverybody() Policy {
	if p.User == all || p.Group == all {
		p.User, p.Group = "", user.AllAuthenticated
	}
	return p
}

// parseOldest reads a rule from before the format had versions: there, what is not set is everything.
func parseOldest(line []byte) (Policy, error) {
	var rule struct {
		User      string `json:"user"`
		Group     string `json:"group"`
		Readonly  bool   `json:"readonly"`
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
	}
	if err := json.Unmarshal(line, &rule); err != nil {
		return Policy{}, err
	}
	p := Policy{User: rule.User, Group: rule.Group, Readonly: rule.Readonly, APIGroup: all, Resource: rule.Resource, Namespace: rule.Namespace}
	if p.User == "" && p.Group == "" {
		p.Group = user.AllAuthenticated
	}
	if p.Namespace == "" && p.Resource == "" {
		p.NonResourcePath = all
	}
	if p.Namespace == "" {
		p.Namespace = all
	}
	if p.Resource == "" {
		p.Resource = all
	}
	return p.forEverybody(), nil
}

// Load reads the policy file. A file without policies allows nothing.
func Load(file string) (*Authorizer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	policies, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	return &Authorizer{policies}, nil
}

// concerns tells whether the policy is for the user.
func (p *Policy) concerns(u user.Info) bool {
	if u == nil || (p.User == "" && p.Group == "") {
		return false
	}
	if p.User != "" && p.User != u.GetName() {
		return false
	}
	return p.Group == "" || slices.Contains(u.GetGroups(), p.Group)
}

// allows tells whether the policy covers what is asked.
func (p *Policy) allows(a authorizer.Attributes) bool {
	if p.Readonly && !a.IsReadOnly() {
		return false
	}
	if !a.IsResourceRequest() {
		return p.coversPath(a.GetPath())
	}
	return covers(p.Namespace, a.GetNamespace()) && covers(p.Resource, a.GetResource()) && covers(p.APIGroup, a.GetAPIGroup())
}

func covers(pattern, value string) bool { return pattern == all || pattern == value }

func (p *Policy) coversPath(path string) bool {
	if prefix, wild := strings.CutSuffix(p.NonResourcePath, all); wild {
		return strings.HasPrefix(path, prefix)
	}
	return p.NonResourcePath == path
}
