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
	frame, err := readFrame(bytes.NewReader(stream), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := resourceVersion(frame); v != "4711" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}
