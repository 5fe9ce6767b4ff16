package load

import (
	"bytes"
	"encoding/binary"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	protobufserializer "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestResourceVersionOfAnEvent(t *testing.T) {
	var object, event bytes.Buffer
	cm := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "4711"}, Data: map[string]string{"k": "v"}}
	if err := protobufserializer.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(cm, &object); err != nil {
		t.Fatal(err)
	}
	e := &metav1.WatchEvent{Type: "ADDED", Object: runtime.RawExtension{Raw: object.Bytes()}}
	if err := protobufserializer.NewRawSerializer(scheme.Scheme, scheme.Scheme).Encode(e, &event); err != nil {
		t.Fatal(err)
	}
	stream := append(binary.BigEndian.AppendUint32(nil, uint32(event.Len())), event.Bytes()...)
	stream = append(stream, stream...)
	for _, size := range []int{1, 3, 7, event.Len(), 10000} {
		w, whole := &watched{}, 0
		for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			w.add(rest[:min(size, len(rest))], func() { whole++ })
		}
		if v, err := resourceVersion(w.last); whole != 2 || len(w.part) != 0 || v != "4711" || err != nil {
			t.Errorf("in pieces of %d: %d events, %d bytes left, version %q, %v", size, whole, len(w.part), v, err)
		}
	}
}
