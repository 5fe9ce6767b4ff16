package flags

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
	externaljwt "k8s.io/externaljwt/apis/v1"
)

// signer signs service account tokens behind a socket, with the bench's elliptic key.
type signer struct {
	externaljwt.UnimplementedExternalJWTSignerServer
}

func (signer) Metadata(context.Context, *externaljwt.MetadataRequest) (*externaljwt.MetadataResponse, error) {
	return &externaljwt.MetadataResponse{MaxTokenExpirationSeconds: 4000}, nil
}

func (signer) FetchKeys(context.Context, *externaljwt.FetchKeysRequest) (*externaljwt.FetchKeysResponse, error) {
	der, err := x509.MarshalPKIXPublicKey(signers["ES256"].Public())
	if err != nil {
		return nil, err
	}
	return &externaljwt.FetchKeysResponse{DataTimestamp: timestamppb.Now(), RefreshHintSeconds: 60, Keys: []*externaljwt.Key{{KeyId: "outside", Key: der}}}, nil
}

func (signer) Sign(_ context.Context, r *externaljwt.SignJWTRequest) (*externaljwt.SignJWTResponse, error) {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"outside","typ":"JWT"}`))
	sum := sha256.Sum256([]byte(head + "." + r.GetClaims()))
	a, b, err := ecdsa.Sign(rand.Reader, signers["ES256"].(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return &externaljwt.SignJWTResponse{Header: head, Signature: base64.RawURLEncoding.EncodeToString(signature)}, nil
}

// openSigner lets the signer listen.
func openSigner(w *world) {
	l, err := net.Listen("unix", filepath.Join(w.short, "signer"))
	if err != nil {
		w.t.Fatal(err)
	}
	s := grpc.NewServer()
	externaljwt.RegisterExternalJWTSignerServer(s, signer{})
	go func() { _ = s.Serve(l) }()
	w.t.Cleanup(s.Stop)
}

// signedOutside is what a token from the signer says, and who the server takes its bearer for.
func (w *world) signedOutside() string {
	token := w.tokenFor("outside", `{"expirationSeconds":36000}`)
	return fmt.Sprint(claims(token, 0), seconds(claims(token, 1)), " ", len(w.whoami(request{door: "anonymous", token: token})) > 60, w.get("/openid/v1/jwks").code)
}
