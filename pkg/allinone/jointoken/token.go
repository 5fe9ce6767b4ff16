package jointoken

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// Token is what a machine is given to join.
type Token struct {
	// CAHash is the hash of the authority's public key, with the name of the algorithm.
	CAHash string
	// ID may be seen by everybody, Secret by nobody.
	ID, Secret string
}

const (
	hashPrefix = "sha256:"
	separator  = "::"
)

var hashForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ErrNoHash is returned for a token without the hash of the authority.
var ErrNoHash = errors.New("the token does not say which cluster it is of: give it whole, as `tiphys token create` prints it (sha256:…::id.secret), or give the hash with --ca-cert-hash")

// Parse reads a token. The hash may also be given apart from it, as kubeadm does.
func Parse(text, hash string) (Token, error) {
	text, hash = strings.TrimSpace(text), strings.ToLower(strings.TrimSpace(hash))
	t := Token{CAHash: hash}
	if before, after, found := strings.Cut(text, separator); found {
		before = strings.ToLower(before)
		if hash != "" && hash != before {
			return Token{}, errors.New("the token and --ca-cert-hash name different clusters: leave out --ca-cert-hash")
		}
		t.CAHash, text = before, after
	}
	// Never the token itself in a message: it would end in a log.
	if !bootstraputil.IsValidBootstrapToken(text) {
		return Token{}, errors.New("the token is not of the form sha256:HASH::abcdef.0123456789abcdef: copy it whole, as `tiphys token create` printed it")
	}
	t.ID, t.Secret, _ = strings.Cut(text, ".")
	if t.CAHash == "" {
		return Token{}, ErrNoHash
	}
	if !hashForm.MatchString(t.CAHash) {
		return Token{}, errors.New("the cluster's hash in the token is damaged: sha256: and 64 hexadecimal digits are expected; copy it whole, as `tiphys token create` printed it")
	}
	return t, nil
}

// Bearer is the part the API server takes.
func (t Token) Bearer() string { return t.ID + "." + t.Secret }

// String is the whole token.
func (t Token) String() string { return t.CAHash + separator + t.Bearer() }

// Hash is the hash of an authority, as in tokens: of its public key, so that it outlives a new
// certificate of the same key.
func Hash(ca *x509.Certificate) string {
	sum := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	return hashPrefix + hex.EncodeToString(sum[:])
}

// ParseID takes a token, or its id alone.
func ParseID(text string) (string, error) {
	if _, after, found := strings.Cut(text, separator); found {
		text = after
	}
	id, _, _ := strings.Cut(text, ".")
	if !bootstraputil.IsValidBootstrapTokenID(id) {
		return "", fmt.Errorf("%q is no id of a token: six small letters and digits, as `tiphys token list` shows them", id)
	}
	return id, nil
}
