package jointoken

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// stored is the secret as the API server keeps it.
func stored(s *v1.Secret) *v1.Secret {
	s.Data = map[string][]byte{}
	for k, v := range s.StringData {
		s.Data[k] = []byte(v)
	}
	return s
}

func TestSecretSaysWhatWasWished(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	token := Token{CAHash: "sha256:x", ID: "abcdef", Secret: "0123456789abcdef"}
	for _, c := range []struct {
		name    string
		wish    Wish
		at      time.Time
		expires time.Time
		expired bool
	}{
		{"for a day", Wish{TTL: 24 * time.Hour, Now: now, Description: "rack 2"}, now, now.Add(24 * time.Hour), false},
		{"a day later", Wish{TTL: 24 * time.Hour, Now: now, Description: "rack 2"}, now.Add(25 * time.Hour), now.Add(24 * time.Hour), true},
		{"for ever", Wish{Now: now, Description: "rack 2"}, now.Add(1e6 * time.Hour), time.Time{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stored(secretOf(token, c.wish))
			if s.Name != "bootstrap-token-abcdef" || s.Namespace != "kube-system" || s.Type != bootstrapapi.SecretTypeBootstrapToken {
				t.Errorf("secret %s/%s of type %s", s.Namespace, s.Name, s.Type)
			}
			got, ok := infoOf(s, c.at)
			if !ok || got.ID != "abcdef" || got.Description != "rack 2" || !got.Expires.Equal(c.expires) || got.Expired != c.expired {
				t.Errorf("got %+v", got)
			}
			if len(got.Usages) != 2 || len(got.Groups) != 1 || got.Groups[0] != Group {
				t.Errorf("usages %v, groups %v", got.Usages, got.Groups)
			}
		})
	}
}
