package authn

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/user"
)

func says(name string, err error, asked *[]string, as string) authenticator.Request {
	return authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
		*asked = append(*asked, as)
		if name == "" {
			return nil, false, err
		}
		return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, true, err
	})
}

// TestFrontProxyAsUnion compares with the union of the same authenticators.
func TestFrontProxyAsUnion(t *testing.T) {
	failed := errors.New("unknown authority")
	for _, named := range []bool{false, true} {
		for _, proxyErr := range []error{nil, failed} {
			for _, first := range []string{"", "anna"} {
				for _, firstErr := range []error{nil, errors.New("no certificate of ours")} {
					for _, second := range []string{"", "token"} {
						req := &http.Request{Header: http.Header{}}
						proxyUser := ""
						if named {
							req.Header.Set("X-Remote-User", "berta")
							if proxyErr == nil {
								proxyUser = "berta"
							}
						}
						if first != "" && firstErr != nil {
							continue
						}
						var asked, ignored []string
						proxy := func(to *[]string) authenticator.Request { return says(proxyUser, proxyErr, to, "proxy") }
						others := func(to *[]string) []authenticator.Request {
							return []authenticator.Request{says(first, firstErr, to, "certificate"), says(second, nil, to, "token")}
						}
						f := frontProxy{headerrequest.StaticStringSlice{"X-Remote-User"}, proxy(&asked), union.New(others(&asked)...)}
						want, wantOK, wantErr := union.New(append([]authenticator.Request{proxy(&ignored)}, others(&ignored)...)...).AuthenticateRequest(req)
						got, ok, err := f.AuthenticateRequest(req)
						if ok != wantOK || fmt.Sprint(err) != fmt.Sprint(wantErr) || (ok && got.User.GetName() != want.User.GetName()) {
							t.Errorf("named %v, proxy %v, first %q %v, second %q: %v %v, want %v %v", named, proxyErr, first, firstErr, second, ok, err, wantOK, wantErr)
						}
						if !named && ok && asked[len(asked)-1] == "proxy" {
							t.Error("the front proxy's authenticator was asked without need")
						}
					}
				}
			}
		}
	}
}
