package jointoken

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
	"k8s.io/cluster-bootstrap/util/secrets"
)

// Group is whom a joining machine is a member of; the cluster's roles for joining are bound to it.
// It is kubeadm's.
const Group = "system:bootstrappers:kubeadm:default-node-token"

// Wish describes a token to be made.
type Wish struct {
	// TTL is how long it holds; zero means for ever.
	TTL         time.Duration
	Description string
	Now         time.Time
}

// Create makes a token and waits until the cluster's information is signed with it, so that it can
// be used at once.
func Create(ctx context.Context, client kubernetes.Interface, caHash string, w Wish) (Token, error) {
	bearer, err := bootstraputil.GenerateBootstrapToken()
	if err != nil {
		return Token{}, fmt.Errorf("making a token: %w", err)
	}
	t := Token{CAHash: caHash}
	t.ID, t.Secret, _ = strings.Cut(bearer, ".")
	if _, err := client.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, secretOf(t, w), metav1.CreateOptions{FieldManager: "tiphys"}); err != nil {
		return Token{}, fmt.Errorf("storing the token: %w", err)
	}
	return t, awaitSignature(ctx, client, t.ID)
}

func secretOf(t Token, w Wish) *v1.Secret {
	s := &v1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: bootstraputil.BootstrapTokenSecretName(t.ID), Namespace: metav1.NamespaceSystem},
		Type:       bootstrapapi.SecretTypeBootstrapToken,
		StringData: map[string]string{
			bootstrapapi.BootstrapTokenIDKey:               t.ID,
			bootstrapapi.BootstrapTokenSecretKey:           t.Secret,
			bootstrapapi.BootstrapTokenUsageAuthentication: "true",
			bootstrapapi.BootstrapTokenUsageSigningKey:     "true",
			bootstrapapi.BootstrapTokenExtraGroupsKey:      Group,
		},
	}
	if w.Description != "" {
		s.StringData[bootstrapapi.BootstrapTokenDescriptionKey] = w.Description
	}
	if w.TTL > 0 {
		s.StringData[bootstrapapi.BootstrapTokenExpirationKey] = w.Now.Add(w.TTL).UTC().Format(time.RFC3339)
	}
	return s
}

// awaitSignature watches the cluster's information until the bootstrap signer has seen the token.
func awaitSignature(ctx context.Context, client kubernetes.Interface, id string) error {
	maps := client.CoreV1().ConfigMaps(metav1.NamespacePublic)
	only := fields.OneTermEqualSelector("metadata.name", bootstrapapi.ConfigMapClusterInfo).String()
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return maps.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			return maps.Watch(ctx, o)
		},
	}
	_, err := watchtools.UntilWithSync(ctx, list, &v1.ConfigMap{}, nil, func(e watch.Event) (bool, error) {
		m, ok := e.Object.(*v1.ConfigMap)
		return ok && e.Type != watch.Deleted && m.Data[bootstrapapi.JWSSignatureKeyPrefix+id] != "", nil
	})
	if err != nil {
		return fmt.Errorf("token %s is made, but kube-public/cluster-info is not signed with it: %w; does the controller manager run with the controllers bootstrapsigner and tokencleaner?", id, err)
	}
	return nil
}

// Info is a token as people see it: without its secret.
type Info struct {
	ID, Description string
	// Expires is zero for a token that holds for ever.
	Expires time.Time
	Expired bool
	Usages  []string
	Groups  []string
}

// List gives the cluster's tokens by id.
func List(ctx context.Context, client kubernetes.Interface, now time.Time) ([]Info, error) {
	found, err := client.CoreV1().Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("type", string(bootstrapapi.SecretTypeBootstrapToken)).String(),
	})
	if err != nil {
		return nil, fmt.Errorf("listing tokens: %w", err)
	}
	var all []Info
	for i := range found.Items {
		if info, ok := infoOf(&found.Items[i], now); ok {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b Info) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

func infoOf(s *v1.Secret, now time.Time) (Info, bool) {
	id, ok := secrets.ParseName(s.Name)
	if !ok {
		return Info{}, false
	}
	info := Info{ID: id, Description: secrets.GetData(s, bootstrapapi.BootstrapTokenDescriptionKey), Expired: secrets.HasExpired(s, now)}
	// An unreadable time counts as expired, and stays zero here.
	info.Expires, _ = time.Parse(time.RFC3339, secrets.GetData(s, bootstrapapi.BootstrapTokenExpirationKey))
	for _, usage := range bootstrapapi.KnownTokenUsages {
		if secrets.GetData(s, bootstrapapi.BootstrapTokenUsagePrefix+usage) == "true" {
			info.Usages = append(info.Usages, usage)
		}
	}
	if groups := secrets.GetData(s, bootstrapapi.BootstrapTokenExtraGroupsKey); groups != "" {
		info.Groups = strings.Split(groups, ",")
	}
	return info, true
}

// Delete makes a token worthless. Machines that joined with it stay.
func Delete(ctx context.Context, client kubernetes.Interface, id string) error {
	err := client.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, bootstraputil.BootstrapTokenSecretName(id), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no token %s", id)
	}
	if err != nil {
		return fmt.Errorf("deleting token %s: %w", id, err)
	}
	return nil
}
