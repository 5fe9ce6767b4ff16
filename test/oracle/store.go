package oracle

import (
	"bytes"
	"context"
	"encoding/base64"
	"regexp"

	"k8s.io/apimachinery/pkg/runtime"
)

// envelope is what stands before an encrypted value, and before one in protobuf.
var envelope = regexp.MustCompile(`^(k8s:enc:[a-z]+:v\d+:[^:]*:|k8s\x00|\{)`)

// versionOf is the version in which a value in protobuf is kept.
func versionOf(value []byte) string {
	data, ok := bytes.CutPrefix(value, []byte("k8s\x00"))
	if !ok {
		return ""
	}
	var u runtime.Unknown
	if err := u.Unmarshal(data); err != nil {
		return err.Error()
	}
	return u.APIVersion + " " + u.Kind
}

// overwrite puts a value of ours into both stores.
func (r *runner) overwrite(ctx context.Context, key, value string) error {
	for _, s := range []*server{r.theirs, r.ours} {
		var out map[string]any
		if err := ask(ctx, s.etcd+"/v3/kv/put", map[string]string{"key": base64.StdEncoding.EncodeToString([]byte(key)), "value": base64.StdEncoding.EncodeToString([]byte(value))}, &out); err != nil {
			return err
		}
	}
	return nil
}

// forms compares in which form both stores hold a key.
func (r *runner) forms(ctx context.Context, res *resource, name, key string) error {
	form := func(s *server) (answer, error) {
		var out struct{ Kvs []struct{ Value []byte } }
		if err := ask(ctx, s.etcd+"/v3/kv/range", map[string]string{"key": base64.StdEncoding.EncodeToString([]byte(key))}, &out); err != nil {
			return answer{}, err
		}
		found := "nothing"
		for _, kv := range out.Kvs {
			found = "unknown"
			if m := envelope.Find(kv.Value); m != nil {
				found = string(m) + versionOf(kv.Value)
			}
		}
		return answer{code: 200, value: map[string]any{"form": found}}, nil
	}
	a, err := form(r.theirs)
	if err != nil {
		return err
	}
	b, err := form(r.ours)
	if err != nil {
		return err
	}
	r.score.add(res.title(), name, compare(a, b))
	return nil
}
