package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// credential is one way to log in, and where it came from.
type credential struct {
	auth   *runtimeapi.AuthConfig
	secret *v1.Secret // nil: the node's own
}

type dockerAuth struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// keyring collects the credentials that fit the image: the pod's secrets, then the node's files.
func (p *Puller) keyring(ctx context.Context, pod *v1.Pod, image string) []credential {
	var found []credential
	for _, ref := range pod.Spec.ImagePullSecrets {
		if ref.Name == "" || p.cfg.Secrets == nil {
			continue
		}
		s, err := p.cfg.Secrets.Secret(ctx, pod.Namespace, ref.Name)
		if err != nil {
			p.cfg.Event(pod, "", v1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
				fmt.Sprintf("Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", ref.Name))
			continue
		}
		entries, err := secretEntries(s)
		if err != nil {
			continue
		}
		for _, a := range match(entries, image) {
			found = append(found, credential{auth: a, secret: s})
		}
	}
	for _, file := range p.cfg.CredentialFiles {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		entries, err := parseDockerConfig(data)
		if err != nil {
			continue
		}
		for _, a := range match(entries, image) {
			found = append(found, credential{auth: a})
		}
	}
	return found
}

func secretEntries(s *v1.Secret) (map[string]dockerAuth, error) {
	switch {
	case s.Type == v1.SecretTypeDockerConfigJson:
		return parseDockerConfig(s.Data[v1.DockerConfigJsonKey])
	case s.Type == v1.SecretTypeDockercfg:
		entries := map[string]dockerAuth{}
		err := json.Unmarshal(s.Data[v1.DockerConfigKey], &entries)
		return entries, err
	}
	return nil, nil
}

func parseDockerConfig(data []byte) (map[string]dockerAuth, error) {
	var file struct {
		Auths map[string]dockerAuth `json:"auths"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("reading docker config: %w", err)
	}
	return file.Auths, nil
}

// match returns the entries for the image's registry and path, most specific first. An entry is
// [scheme://]host[:port][/path]; every dot-separated part of the host may be a glob.
func match(entries map[string]dockerAuth, image string) []*runtimeapi.AuthConfig {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return nil
	}
	host, repo := reference.Domain(named), reference.Path(named)
	keys := make([]string, 0, len(entries))
	for k := range entries {
		if fits(k, host, repo) {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		if len(keys[i]) != len(keys[j]) {
			return len(keys[i]) > len(keys[j])
		}
		return keys[i] < keys[j]
	})
	var found []*runtimeapi.AuthConfig
	for _, k := range keys {
		found = append(found, authOf(entries[k], k))
	}
	return found
}

func fits(entry, host, repo string) bool {
	if !strings.Contains(entry, "://") {
		entry = "https://" + entry
	}
	u, err := url.Parse(entry)
	if err != nil {
		return false
	}
	prefix := strings.Trim(u.Path, "/")
	if u.Host == "index.docker.io" {
		u.Host = "docker.io"
	}
	if prefix == "v1" || prefix == "v2" {
		prefix = "" // API roots of a registry, not repositories
	}
	if prefix != "" && repo != prefix && !strings.HasPrefix(repo, prefix+"/") {
		return false
	}
	want, got := strings.Split(u.Host, "."), strings.Split(host, ".")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if ok, err := path.Match(want[i], got[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

func authOf(a dockerAuth, server string) *runtimeapi.AuthConfig {
	auth := &runtimeapi.AuthConfig{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken,
		RegistryToken: a.RegistryToken, ServerAddress: server}
	if a.Auth != "" && auth.Username == "" {
		if raw, err := base64.StdEncoding.DecodeString(a.Auth); err == nil {
			auth.Username, auth.Password, _ = strings.Cut(string(raw), ":")
			auth.Password = strings.TrimRight(auth.Password, "\x00")
		}
	}
	return auth
}
