package serviceaccounttoken

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync fills one secret, or deletes it when its account does not exist.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	item, exists, err := c.secrets.GetIndexer().GetByKey(key.String())
	if err != nil || !exists {
		return err
	}
	s, ok := item.(*v1.Secret)
	if !ok || s.DeletionTimestamp != nil {
		return nil
	}
	sa, err := c.account(ctx, s)
	if err != nil {
		return err
	}
	if sa == nil {
		err := c.client.CoreV1().Secrets(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.UID}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("deleting the token of an account that does not exist: %w", err)
		}
		return nil
	}
	want, err := c.filled(s, sa)
	if err != nil || want == nil {
		return err
	}
	if _, err := c.client.CoreV1().Secrets(s.Namespace).Update(ctx, want, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("filling the secret: %w", err)
	}
	return nil
}

// account returns the account of the secret, nil when there is none. Absence is believed only from the API server.
func (c *Controller) account(ctx context.Context, s *v1.Secret) (*v1.ServiceAccount, error) {
	name := s.Annotations[v1.ServiceAccountNameKey]
	if name == "" {
		return nil, nil
	}
	if sa, err := c.accounts.ServiceAccounts(s.Namespace).Get(name); err == nil && belongs(s, sa) {
		return sa, nil
	}
	sa, err := c.client.CoreV1().ServiceAccounts(s.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading service account %s: %w", name, err)
	}
	if !belongs(s, sa) {
		return nil, nil
	}
	return sa, nil
}

func belongs(s *v1.Secret, sa *v1.ServiceAccount) bool {
	uid := s.Annotations[v1.ServiceAccountUIDKey]
	return uid == "" || uid == string(sa.UID)
}

// filled returns the secret with what it lacks, nil when it lacks nothing.
func (c *Controller) filled(s *v1.Secret, sa *v1.ServiceAccount) (*v1.Secret, error) {
	missingCA := len(c.rootCA) > 0 && !bytes.Equal(s.Data[v1.ServiceAccountRootCAKey], c.rootCA)
	missingToken := len(s.Data[v1.ServiceAccountTokenKey]) == 0
	missingUID := s.Annotations[v1.ServiceAccountUIDKey] == ""
	if !missingCA && !missingToken && !missingUID && len(s.Data[v1.ServiceAccountNamespaceKey]) > 0 {
		return nil, nil
	}
	want := s.DeepCopy()
	if want.Data == nil {
		want.Data = map[string][]byte{}
	}
	if missingCA {
		want.Data[v1.ServiceAccountRootCAKey] = c.rootCA
	}
	if len(want.Data[v1.ServiceAccountNamespaceKey]) == 0 {
		want.Data[v1.ServiceAccountNamespaceKey] = []byte(s.Namespace)
	}
	if missingToken {
		token, err := c.signer.Token(sa, s.Name)
		if err != nil {
			return nil, err
		}
		want.Data[v1.ServiceAccountTokenKey] = []byte(token)
	}
	want.Annotations[v1.ServiceAccountUIDKey] = string(sa.UID)
	return want, nil
}

// unlist takes a deleted secret off its account's list.
func (c *Controller) unlist(ctx context.Context, r reference) error {
	sa, err := c.client.CoreV1().ServiceAccounts(r.account.Namespace).Get(ctx, r.account.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading service account %s: %w", r.account, err)
	}
	is := func(o v1.ObjectReference) bool { return o.Name == r.secret.Name }
	if !slices.ContainsFunc(sa.Secrets, is) {
		return nil
	}
	// A secret of the same name may have been made since.
	if _, err := c.client.CoreV1().Secrets(r.secret.Namespace).Get(ctx, r.secret.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err
	}
	sa.Secrets = slices.DeleteFunc(sa.Secrets, is)
	if _, err := c.client.CoreV1().ServiceAccounts(sa.Namespace).Update(ctx, sa, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("taking secret %s off its service account: %w", r.secret, err)
	}
	return nil
}
