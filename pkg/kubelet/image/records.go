package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/clock"
)

// records is the directory of pull intents and pulled images, in the published ImagePullIntent and
// ImagePulledRecord formats. A nil *records records nothing.
type records struct {
	dir   string
	clock clock.Clock
	mu    sync.Mutex
}

const recordVersion = "kubelet.config.k8s.io/v1beta1"

func (r *records) file(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(r.dir, kind, "sha256-"+hex.EncodeToString(sum[:]))
}

func (r *records) write(file string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// intend notes that a pull begins: an image that appears while an intent exists is not a preloaded one, even if the
// kubelet dies before it can write the record.
func (r *records) intend(image string) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.write(r.file("pulling", image), kubeletconfig.ImagePullIntent{
		TypeMeta: metav1.TypeMeta{APIVersion: recordVersion, Kind: "ImagePullIntent"}, Image: image})
}

func (r *records) finish(image string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = os.Remove(r.file("pulling", image))
}

func (r *records) load(ref string) (*kubeletconfig.ImagePulledRecord, error) {
	data, err := os.ReadFile(r.file("pulled", ref))
	if err != nil {
		return nil, err
	}
	rec := &kubeletconfig.ImagePulledRecord{}
	return rec, json.Unmarshal(data, rec)
}

// add records a pull that worked: with which secret, or that every pod of the node may use the image.
func (r *records) add(ref, image string, used *credential) {
	if r == nil || ref == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec, err := r.load(ref)
	if err != nil {
		rec = &kubeletconfig.ImagePulledRecord{ImageRef: ref}
	}
	rec.TypeMeta = metav1.TypeMeta{APIVersion: recordVersion, Kind: "ImagePulledRecord"}
	rec.LastUpdatedTime = metav1.NewTime(r.clock.Now())
	if rec.CredentialMapping == nil {
		rec.CredentialMapping = map[string]kubeletconfig.ImagePullCredentials{}
	}
	name := untagged(image)
	c := rec.CredentialMapping[name]
	switch {
	case c.NodePodsAccessible:
		return
	case used == nil || used.secret == nil:
		c = kubeletconfig.ImagePullCredentials{NodePodsAccessible: true}
	default:
		c.KubernetesSecrets = addSecret(c.KubernetesSecrets, pullSecret(used))
	}
	rec.CredentialMapping[name] = c
	_ = r.write(r.file("pulled", ref), rec) // without a record the next pod pulls again, which is the safe side
}

func addSecret(all []kubeletconfig.ImagePullSecret, s kubeletconfig.ImagePullSecret) []kubeletconfig.ImagePullSecret {
	for i := range all {
		if all[i].UID == s.UID && all[i].Namespace == s.Namespace && all[i].Name == s.Name {
			all[i] = s
			return all
		}
	}
	return append(all, s)
}

func pullSecret(c *credential) kubeletconfig.ImagePullSecret {
	data, _ := json.Marshal([]string{c.auth.Username, c.auth.Password, c.auth.IdentityToken, c.auth.RegistryToken, c.auth.ServerAddress})
	sum := sha256.Sum256(data)
	return kubeletconfig.ImagePullSecret{UID: string(c.secret.UID), Namespace: c.secret.Namespace, Name: c.secret.Name,
		CredentialHash: hex.EncodeToString(sum[:])}
}

func untagged(image string) string {
	if i := strings.Index(image, "@"); i >= 0 {
		image = image[:i]
	}
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

// mayUse decides whether the pod may use the present image without pulling it.
func (p *Puller) mayUse(ctx context.Context, pod *v1.Pod, image, ref string) bool {
	if p.records == nil {
		return true
	}
	name := untagged(image)
	p.records.mu.Lock()
	rec, err := p.records.load(ref)
	_, pulling := os.Stat(p.records.file("pulling", image))
	p.records.mu.Unlock()
	if errors.Is(err, os.ErrNotExist) && pulling != nil {
		switch p.cfg.Verification { // preloaded: nobody pulled it through us
		case kubeletconfig.AlwaysVerify:
			return false
		case kubeletconfig.NeverVerifyAllowlistedImages:
			return allowlisted(p.cfg.Allowlist, name)
		}
		return true
	}
	if err != nil {
		return false
	}
	c, known := rec.CredentialMapping[name]
	if !known {
		return false
	}
	if c.NodePodsAccessible {
		return true
	}
	for _, cred := range p.keyring(ctx, pod, image) {
		if cred.secret == nil {
			continue
		}
		mine := pullSecret(&cred)
		for _, s := range c.KubernetesSecrets {
			if s.CredentialHash == mine.CredentialHash ||
				(s.UID == mine.UID && s.Namespace == mine.Namespace && s.Name == mine.Name) {
				p.records.add(ref, image, &cred) // the secret may have been rotated since
				return true
			}
		}
	}
	return false
}

func allowlisted(list []string, name string) bool {
	for _, entry := range list {
		if prefix, wild := strings.CutSuffix(entry, "/*"); wild && strings.HasPrefix(name, prefix+"/") || entry == name {
			return true
		}
	}
	return false
}

// ForgetImage drops the record of an image that was removed from the node.
func (p *Puller) ForgetImage(ref string) error {
	if p.records == nil {
		return nil
	}
	if err := os.Remove(p.records.file("pulled", ref)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the pull record of %s: %w", ref, err)
	}
	return nil
}
