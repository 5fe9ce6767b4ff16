package abac

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

const head = `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":`

func load(t *testing.T, lines ...string) *Authorizer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policies")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func resource(u, verb, group, resource, namespace string, groups ...string) authorizer.Attributes {
	return authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: u, Groups: groups}, Verb: verb, APIGroup: group, Resource: resource, Namespace: namespace, ResourceRequest: true,
	}
}

func path(u, verb, path string, groups ...string) authorizer.Attributes {
	return authorizer.AttributesRecord{User: &user.DefaultInfo{Name: u, Groups: groups}, Verb: verb, Path: path}
}

func TestAuthorize(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		asked  authorizer.Attributes
		want   bool
	}{
		"all of a user":                  {head + `{"user":"alice","namespace":"*","resource":"*","apiGroup":"*"}}`, resource("alice", "create", "apps", "deployments", "x"), true},
		"another user":                   {head + `{"user":"alice","namespace":"*","resource":"*","apiGroup":"*"}}`, resource("bob", "create", "apps", "deployments", "x"), false},
		"readonly reads":                 {head + `{"user":"bob","namespace":"projectCaribou","resource":"pods","readonly":true}}`, resource("bob", "watch", "", "pods", "projectCaribou"), true},
		"readonly does not write":        {head + `{"user":"bob","namespace":"projectCaribou","resource":"pods","readonly":true}}`, resource("bob", "create", "", "pods", "projectCaribou"), false},
		"another namespace":              {head + `{"user":"bob","namespace":"projectCaribou","resource":"pods"}}`, resource("bob", "get", "", "pods", "other"), false},
		"all namespaces are another one": {head + `{"user":"bob","namespace":"projectCaribou","resource":"pods"}}`, resource("bob", "list", "", "pods", ""), false},
		"no API group is the core one":   {head + `{"user":"bob","namespace":"*","resource":"*"}}`, resource("bob", "get", "apps", "deployments", "x"), false},
		"group":                          {head + `{"group":"system:authenticated","nonResourcePath":"*","readonly":true}}`, path("x", "get", "/version", user.AllAuthenticated), true},
		"not of the group":               {head + `{"group":"system:authenticated","nonResourcePath":"*","readonly":true}}`, path("x", "get", "/version", user.AllUnauthenticated), false},
		"any user":                       {head + `{"user":"*","namespace":"*","resource":"*","apiGroup":"*"}}`, resource("x", "get", "", "pods", "y", user.AllAuthenticated), true},
		"any user, but authenticated":    {head + `{"user":"*","namespace":"*","resource":"*","apiGroup":"*"}}`, resource("x", "get", "", "pods", "y", user.AllUnauthenticated), false},
		"a star beside a user":           {head + `{"user":"bob","group":"*","nonResourcePath":"*"}}`, path("x", "get", "/version", user.AllAuthenticated), true},
		"any group":                      {head + `{"group":"*","nonResourcePath":"*"}}`, path("x", "get", "/version", user.AllAuthenticated), true},
		"any group, not authenticated":   {head + `{"group":"*","nonResourcePath":"*"}}`, path("x", "get", "/version", "dev"), false},
		"user and group both count":      {head + `{"user":"alice","group":"dev","namespace":"*","resource":"*"}}`, resource("alice", "get", "", "pods", "y", "ops"), false},
		"for nobody":                     {head + `{"namespace":"*","resource":"*","apiGroup":"*"}}`, resource("alice", "get", "", "pods", "y"), false},
		"a path and what is below":       {head + `{"user":"alice","nonResourcePath":"/logs/*"}}`, path("alice", "get", "/logs/x"), true},
		"a path beside":                  {head + `{"user":"alice","nonResourcePath":"/logs/*"}}`, path("alice", "get", "/metrics"), false},
		"resources are no paths":         {head + `{"user":"alice","resource":"*","namespace":"*"}}`, path("alice", "get", "/metrics"), false},
		"paths are no resources":         {head + `{"user":"alice","nonResourcePath":"*"}}`, resource("alice", "get", "", "pods", "x"), false},
		"oldest form, all of a user":     {`{"user":"admin"}`, resource("admin", "delete", "apps", "deployments", "x"), true},
		"oldest form, paths":             {`{"user":"admin"}`, path("admin", "post", "/x"), true},
		"oldest form, reading a kind":    {`{"resource":"pods","readonly":true}`, resource("x", "list", "", "pods", "", user.AllAuthenticated), true},
		"oldest form, not all paths":     {`{"user":"admin","resource":"pods"}`, path("admin", "get", "/x"), false},
		"comments and blanks":            {"# a comment\n\n" + head + `{"user":"alice","nonResourcePath":"*"}}`, path("alice", "get", "/x"), true},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := load(t, c.policy).Authorize(context.Background(), c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if (got == authorizer.DecisionAllow) != c.want {
				t.Errorf("decision %v, want allowed %v", got, c.want)
			}
			if !c.want && got != authorizer.DecisionNoOpinion {
				t.Errorf("ABAC never refuses, but its decision is %v", got)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":         "garbage",
		"unknown kind":    `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Bla"}`,
		"unknown version": `{"apiVersion":"abac.authorization.kubernetes.io/v7","kind":"Policy"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse("file", []byte("# first\n"+text)); err == nil || !strings.Contains(err.Error(), "line 2") {
				t.Errorf("got %v, want an error of line 2", err)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is taken")
	}
}

func TestRulesFor(t *testing.T) {
	a := load(t,
		head+`{"user":"alice","namespace":"x","resource":"pods","readonly":true}}`,
		head+`{"user":"alice","namespace":"*","resource":"secrets","nonResourcePath":"/logs/*"}}`,
		head+`{"user":"bob","namespace":"*","resource":"nodes"}}`)
	resources, paths, incomplete, err := a.RulesFor(context.Background(), &user.DefaultInfo{Name: "alice"}, "x")
	if err != nil || incomplete {
		t.Fatalf("incomplete %v, %v", incomplete, err)
	}
	var got []string
	for _, r := range resources {
		got = append(got, strings.Join(r.GetVerbs(), "+")+" "+strings.Join(r.GetResources(), "+"))
	}
	for _, r := range paths {
		got = append(got, strings.Join(r.GetVerbs(), "+")+" "+strings.Join(r.GetNonResourceURLs(), "+"))
	}
	if want := "get+list+watch pods, * secrets, * /logs/*"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
	}
}
