package dataswap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// TestStoresAreAlike writes the same objects with both servers into stores of their own.
func TestStoresAreAlike(t *testing.T) { storesAreAlike(t, newData) }

func storesAreAlike(t *testing.T, newData func(*testing.T, ...string) *data) {
	stores := map[side]map[string][]byte{}
	for _, s := range []side{upstream, ours} {
		newData(t).serve(s, func(s2 *server) {
			s2.createAll()
			s2.await("what the server makes of itself is there", func() bool { return len(s2.raw()[trackingKey]) > 0 })
			stores[s] = s2.raw()
		})
	}
	theirs, mine := readable(t, stores[upstream]), readable(t, stores[ours])
	for key := range known {
		if theirs[key] != "" && theirs[key] == mine[key] {
			t.Errorf("%s is the same in both stores: take it off the list", key)
		}
		delete(theirs, key)
		delete(mine, key)
	}
	same := 0
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		switch m, ok := mine[key]; {
		case !ok:
			t.Errorf("ours has no %s", key)
		case m != theirs[key]:
			t.Errorf("%s:%s", key, difference(theirs[key], m))
		default:
			same++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(mine)) {
		if _, ok := theirs[key]; !ok {
			t.Errorf("upstream has no %s", key)
		}
	}
	t.Logf("%d keys hold the same in the same version", same)
	encodeAgain(t, stores[upstream])
}

// trackingKey is among the last things that a new server writes.
const trackingKey = "/registry/configmaps/kube-system/kube-apiserver-legacy-service-account-token-tracking"

// encodeAgain decodes what upstream stored, encodes it in the version it was stored in, and wants the same bytes.
func encodeAgain(t *testing.T, store map[string][]byte) {
	t.Helper()
	serializer := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	same := 0
	for key, value := range store {
		if !bytes.HasPrefix(value, protobufPrefix) {
			continue
		}
		obj, kind, err := serializer.Decode(value, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		var out bytes.Buffer
		if err := scheme.Codecs.EncoderForVersion(serializer, kind.GroupVersion()).Encode(obj, &out); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if !bytes.Equal(out.Bytes(), value) {
			t.Errorf("%s: %d bytes of upstream, %d encoded by ours\n%q\n%q", key, len(value), out.Len(), value, out.Bytes())
			continue
		}
		same++
	}
	t.Logf("%d values encode to upstream's bytes", same)
}

var protobufPrefix = []byte("k8s\x00")

// chosen replaces what a server picks for itself.
var chosen = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\b10\.(9[6-9]|10[0-9]|11[01]|200)\.\d+\.\d+\b`), "ADDRESS"},
	{regexp.MustCompile(`"(nodePort|healthCheckNodePort)":\d+`), `"$1":PORT`},
	{regexp.MustCompile(`apiserver-[a-z0-9]{26}`), "apiserver-ID"},
	{regexp.MustCompile(`203\.0\.113\.10:\d+|("targetPort":|"port":)\d{5}\b`), "${1}SERVER"},
	{regexp.MustCompile(`-----BEGIN CERTIFICATE-----[^"]*`), "CERTIFICATE"},
	{regexp.MustCompile(`X509SHA256=[0-9a-f]+`), "CREDENTIAL"},
	{regexp.MustCompile(`\b(holderIdentity":")[^"]*`), "${1}HOLDER"},
	{regexp.MustCompile(`apiserver-ID_[0-9a-zA-Z-]+`), "apiserver-ID"},
	{regexp.MustCompile(`\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z`), "${1}Z"},
}

// parent is what an address belongs to.
var parent = regexp.MustCompile(`"parentRef":\{[^}]*\}`)

// known are keys whose values differ, and why.
var known = map[string]string{
	"/registry/persistentvolumeclaims/default/claim": "ours writes the phase that upstream fills in when it reads; and owns the data source reference that it derives",
	"/registry/persistentvolumeclaims/default/tiny":  "ours writes the phase that upstream fills in when it reads",
}

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// readable gives every value as the version it is stored in and its JSON, with what a server picks replaced.
func readable(t *testing.T, store map[string][]byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for key, value := range store {
		text := describe(t, key, value)
		for _, c := range chosen {
			key, text = c.pattern.ReplaceAllString(key, c.with), c.pattern.ReplaceAllString(text, c.with)
		}
		text = instant.ReplaceAllStringFunc(text, func(s string) string {
			if at, err := time.Parse(time.RFC3339, s); err == nil && time.Since(at).Abs() < time.Hour {
				return "NOW"
			}
			return s
		})
		if owner := parent.FindString(text); strings.Contains(key, "ADDRESS") {
			key += " " + owner
		}
		if strings.HasPrefix(key, "/registry/masterleases/") || strings.HasPrefix(key, "/registry/ranges/") {
			text, _, _ = strings.Cut(text, "{") // counts renewals; the picked ports
		}
		out[key] = text
	}
	return out
}

func describe(t *testing.T, key string, value []byte) string {
	if !bytes.HasPrefix(value, protobufPrefix) {
		return string(value)
	}
	var unknown runtime.Unknown
	if err := unknown.Unmarshal(value[len(protobufPrefix):]); err != nil {
		t.Errorf("%s: %v", key, err)
		return ""
	}
	kind := schema.FromAPIVersionAndKind(unknown.APIVersion, unknown.Kind)
	obj, err := scheme.Scheme.New(kind)
	if err != nil {
		return fmt.Sprintf("%s, which our scheme does not know", kind)
	}
	if err := obj.(interface{ Unmarshal([]byte) error }).Unmarshal(unknown.Raw); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	data, err := json.Marshal(obj)
	if err != nil {
		t.Errorf("%s: %v", key, err)
	}
	return kind.String() + " " + string(data)
}
