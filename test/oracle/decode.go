package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/yaml"
)

const (
	protobufType = "application/vnd.kubernetes.protobuf"
	cborType     = "application/cbor"
	yamlType     = "application/yaml"
)

// decode reads a body in any of the API's forms; nil if it is in none.
func decode(contentType string, body []byte) map[string]any {
	media, params, _ := mime.ParseMediaType(contentType)
	switch {
	case media == protobufType && params["stream"] == "watch":
		return stream(frames(body), fromFrame)
	case media == protobufType:
		return fromProtobuf(body)
	case media == yamlType:
		var v map[string]any
		if yaml.Unmarshal(body, &v) != nil {
			return nil
		}
		return v
	case media == cborType:
		var v map[string]any
		if direct.Unmarshal(body, &v) != nil {
			return nil
		}
		return v
	}
	var v map[string]any
	if json.Unmarshal(body, &v) == nil {
		return v
	}
	return stream(documents(body), fromJSON)
}

func fromJSON(body []byte) map[string]any {
	var v map[string]any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}

// documents splits a stream of JSON.
func documents(body []byte) [][]byte {
	var out [][]byte
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			return out
		} else if err != nil {
			return nil
		}
		out = append(out, raw)
	}
}

// frames splits a stream of protobuf: each message has its length before it.
func frames(body []byte) [][]byte {
	var out [][]byte
	r := protobuf.LengthDelimitedFramer.NewFrameReader(io.NopCloser(bytes.NewReader(body)))
	for {
		buffer := make([]byte, len(body))
		n, err := r.Read(buffer)
		if err != nil {
			return out
		}
		out = append(out, buffer[:n])
	}
}

// initialEnd marks the bookmark that ends the initial events of a watch.
const initialEnd = "k8s.io/initial-events-end"

// stream makes one value of the events of a watch. Bookmarks come when the server likes, but for the one that is asked for.
func stream(parts [][]byte, read func([]byte) map[string]any) map[string]any {
	if len(parts) == 0 {
		return nil
	}
	var events []any
	for _, p := range parts {
		v := read(p)
		if v == nil {
			return nil
		}
		if v["type"] == "BOOKMARK" && !bytes.Contains(p, []byte(initialEnd)) {
			continue
		}
		events = append(events, v)
	}
	return map[string]any{"events": events}
}

// kinds are those that come in protobuf.
var kinds = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, metav1.AddMetaToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme, apidiscoveryv2.AddToScheme} {
		utilruntime.Must(add(s))
	}
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	return s
}()

var decoders = serializer.NewCodecFactory(kinds).UniversalDeserializer()

func fromProtobuf(body []byte) map[string]any {
	o, gvk, err := decoders.Decode(body, nil, nil)
	if err != nil {
		return map[string]any{"undecoded": fmt.Sprintf("%d bytes: %v", len(body), err)}
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	v := fromJSON(data)
	if v["kind"] == nil {
		v["kind"], v["apiVersion"] = gvk.Kind, gvk.GroupVersion().String()
	}
	return v
}

// fromFrame reads an event, whose object is a message of its own.
func fromFrame(frame []byte) map[string]any {
	var e metav1.WatchEvent
	if err := e.Unmarshal(frame); err != nil {
		return map[string]any{"undecoded": err.Error()}
	}
	return map[string]any{"type": e.Type, "object": fromProtobuf(e.Object.Raw)}
}

// toProtobuf makes protobuf of a JSON object of a kind that client-go knows.
func toProtobuf(data []byte) ([]byte, error) {
	o, gvk, err := decoders.Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	o.GetObjectKind().SetGroupVersionKind(*gvk)
	var out bytes.Buffer
	if err := protobuf.NewSerializer(kinds, kinds).Encode(o, &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
