package authn

import (
	"net/http"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
)

// frontProxy asks the front proxy's authenticator first where a request could be a front proxy's. That one verifies the client's certificate
// before it looks for the headers that name a user; without the headers it can only say no, and is asked when nobody else says yes: its error
// is part of the answer.
type frontProxy struct {
	names         headerrequest.StringSliceProvider
	proxy, others authenticator.Request
}

func (f frontProxy) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	named := false
	for _, name := range f.names.Value() {
		named = named || req.Header.Get(name) != ""
	}
	first, second := f.others, f.proxy
	if named {
		first, second = f.proxy, f.others
	}
	response, ok, firstErr := first.AuthenticateRequest(req)
	if firstErr == nil && ok {
		return response, true, nil
	}
	response, ok, secondErr := second.AuthenticateRequest(req)
	if secondErr == nil && ok {
		return response, true, nil
	}
	if !named {
		firstErr, secondErr = secondErr, firstErr
	}
	if all := utilerrors.Flatten(utilerrors.NewAggregate([]error{firstErr, secondErr})); all != nil && len(all.Errors()) > 0 {
		return nil, false, all
	}
	return nil, false, nil
}
