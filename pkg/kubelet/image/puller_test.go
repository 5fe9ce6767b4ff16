package image

import (
	"context"
	"errors"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	critesting "k8s.io/cri-api/pkg/apis/testing"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	testclock "k8s.io/utils/clock/testing"
)

type secrets map[string]*v1.Secret

func (s secrets) Secret(_ context.Context, _, name string) (*v1.Secret, error) {
	if x := s[name]; x != nil {
		return x, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("secrets"), name)
}

func dockerSecret(name, password string) *v1.Secret {
	s := &v1.Secret{Type: v1.SecretTypeDockerConfigJson, Data: map[string][]byte{
		v1.DockerConfigJsonKey: []byte(`{"auths":{"reg.example.com":{"username":"u","password":"` + password + `"}}}`)}}
	s.Name, s.Namespace = name, "ns"
	return s
}

func podWith(uid string, secret string) *v1.Pod {
	p := &v1.Pod{}
	p.Name, p.Namespace = uid, "ns"
	p.UID = "u-" + p.UID
	if secret != "" {
		p.Spec.ImagePullSecrets = []v1.LocalObjectReference{{Name: secret}}
	}
	return p
}

func TestPullPolicies(t *testing.T) {
	cases := []struct {
		name    string
		image   string
		policy  v1.PullPolicy
		present bool
		pulls   bool
		reason  string
	}{
		{"absent, IfNotPresent", "img:1", v1.PullIfNotPresent, false, true, ""},
		{"present, IfNotPresent", "img:1", v1.PullIfNotPresent, true, false, ""},
		{"present, Always", "img:1", v1.PullAlways, true, true, ""},
		{"present, Never", "img:1", v1.PullNever, true, false, ""},
		{"absent, Never", "img:1", v1.PullNever, false, false, ReasonErrImageNeverPull},
		{"no image name", "UPPER:1", v1.PullAlways, false, false, ReasonInvalidImageName},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fake := critesting.NewFakeImageService()
			if c.present {
				fake.SetFakeImages([]string{c.image})
			}
			p, err := New(Config{Images: fake})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Ensure(context.Background(), Request{Pod: podWith("a", ""), Container: "c", Image: c.image, Policy: c.policy})
			reason := ""
			if e := AsError(err); e != nil {
				reason = e.Reason
			}
			if reason != c.reason {
				t.Errorf("reason %q (%v), want %q", reason, err, c.reason)
			}
			pulled := false
			for _, call := range fake.Called {
				pulled = pulled || call == "PullImage"
			}
			if pulled != c.pulls {
				t.Errorf("pulled %v, want %v", pulled, c.pulls)
			}
		})
	}
}

func TestFailedPullBacksOff(t *testing.T) {
	clk := testclock.NewFakeClock(time.Unix(1000, 0))
	fake := critesting.NewFakeImageService()
	p, err := New(Config{Images: fake, Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() *Error {
		_, err := p.Ensure(context.Background(), Request{Pod: podWith("a", ""), Container: "c", Image: "img:1", Policy: v1.PullAlways})
		return AsError(err)
	}
	for _, wait := range []time.Duration{10, 20, 40} {
		fake.InjectError("PullImage", errors.New("registry says no"))
		if e := ask(); e == nil || e.Reason != ReasonErrImagePull || e.RetryAfter != wait*time.Second {
			t.Fatalf("first answer: %v", e)
		}
		if e := ask(); e == nil || e.Reason != ReasonImagePullBackOff {
			t.Fatalf("asked again at once: %v", e)
		}
		clk.Step(wait * time.Second)
	}
	if e := ask(); e != nil {
		t.Fatalf("after the wait: %v", e)
	}
}

func TestImagePulledWithASecretIsNotForAll(t *testing.T) {
	fake := critesting.NewFakeImageService()
	p, err := New(Config{Images: fake, RecordDir: t.TempDir(), Verification: kubeletconfig.NeverVerifyPreloadedImages,
		Secrets: secrets{"right": dockerSecret("right", "p"), "copy": dockerSecret("copy", "p"), "wrong": dockerSecret("wrong", "q")}})
	if err != nil {
		t.Fatal(err)
	}
	const name = "reg.example.com/team/img:1"
	ensure := func(secret string, policy v1.PullPolicy) error {
		_, err := p.Ensure(context.Background(), Request{Pod: podWith("a", secret), Container: "c", Image: name, Policy: policy})
		return err
	}
	if err := ensure("right", v1.PullIfNotPresent); err != nil {
		t.Fatal(err)
	}
	// The fake names images by their spec; the record is under what PullImage returned.
	if got := fake.Images[name]; got == nil {
		t.Fatalf("not pulled: %v", fake.Images)
	}
	for secret, allowed := range map[string]bool{"right": true, "copy": true, "wrong": false, "": false} {
		err := ensure(secret, v1.PullNever)
		if (err == nil) != allowed {
			t.Errorf("secret %q: %v, want allowed %v", secret, err, allowed)
		}
	}
}

func TestCredentialsFitImages(t *testing.T) {
	entries := map[string]dockerAuth{"reg.example.com": {Username: "host"}, "reg.example.com/team": {Username: "path"},
		"*.other.io:5000": {Username: "glob"}, "https://index.docker.io/v1/": {Username: "hub"}}
	for image, want := range map[string][]string{
		"reg.example.com/x":             {"host"},
		"reg.example.com/team/x":        {"path", "host"},
		"reg.example.com/teams/x":       {"host"},
		"a.other.io:5000/x":             {"glob"},
		"a.b.other.io:5000/x":           {},
		"busybox":                       {"hub"},
		"elsewhere.example.com/busybox": {},
	} {
		got := []string{}
		for _, a := range match(entries, image) {
			got = append(got, a.Username)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", image, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", image, got, want)
			}
		}
	}
}
