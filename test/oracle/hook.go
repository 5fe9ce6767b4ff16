package oracle

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// hooks is a server of webhooks, the same for both API servers: what it answers follows from the path alone.
type hooks struct{ *httptest.Server }

func newHooks() *hooks {
	h := &hooks{}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(h.serve))
	return h
}

// given is how stories write the server into configurations.
func (h *hooks) given() notes {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	return notes{"hook": h.URL, "ca": base64.StdEncoding.EncodeToString(ca)}
}

// patience is longer than any configured timeout.
const patience = 3 * time.Second

func (h *hooks) serve(w http.ResponseWriter, r *http.Request) {
	var review map[string]any
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req, _ := review["request"].(map[string]any)
	behaviour := strings.TrimPrefix(r.URL.Path, "/")
	switch behaviour {
	case "broken":
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	case "html":
		fmt.Fprint(w, "<html></html>")
		return
	case "slow":
		select {
		case <-r.Context().Done():
		case <-time.After(patience):
		}
	case "redirect":
		http.Redirect(w, r, "/allow", http.StatusFound)
		return
	}
	var response map[string]any
	if review["kind"] == "ConversionReview" {
		response = convert(behaviour, req)
	} else {
		response = admit(behaviour, req)
	}
	review["response"] = response
	delete(review, "request")
	switch behaviour {
	case "other-kind":
		review["kind"] = "Other"
	case "other-version":
		review["apiVersion"] = "admission.k8s.io/v1beta1"
	case "no-response":
		delete(review, "response")
	}
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(review)
}

// admit answers about a request.
func admit(behaviour string, req map[string]any) map[string]any {
	out := map[string]any{"uid": req["uid"], "allowed": true}
	patch := func(ops string) {
		out["patchType"], out["patch"] = "JSONPatch", base64.StdEncoding.EncodeToString([]byte(ops))
	}
	annotate := func(key, value string) {
		text, _ := json.Marshal(value)
		object, _ := req["object"].(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		op := fmt.Sprintf(`{"op":"add","path":"/metadata/annotations/%s","value":%s}`, key, text)
		if metadata["annotations"] == nil {
			op = `{"op":"add","path":"/metadata/annotations","value":{}},` + op
		}
		patch("[" + op + "]")
	}
	switch behaviour {
	case "deny":
		out["allowed"] = false
	case "deny-why":
		out["allowed"], out["status"] = false, map[string]any{"message": "because", "reason": "Teapot", "code": 418, "details": map[string]any{"causes": []any{map[string]any{"reason": "R", "field": "f", "message": "m"}}}}
	case "deny-code":
		out["allowed"], out["status"] = false, map[string]any{"code": 200}
	case "warn":
		out["warnings"] = []any{"first", "second", strings.Repeat("long ", 100), "odd \n line", ""}
	case "deny-warn":
		out["allowed"], out["warnings"] = false, []any{"first"}
	case "audit":
		out["auditAnnotations"] = map[string]any{"key": "value", "bad key!": "x"}
	case "patch", "allow-patch":
		annotate("patched", "yes")
	case "append-a", "append-b":
		object, _ := req["object"].(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		before, _ := annotations["trace"].(string)
		annotate("trace", before+strings.TrimPrefix(behaviour, "append-"))
	case "patch-odd":
		patch(`[{"op":"odd","path":"/x"}]`)
	case "patch-missing":
		patch(`[{"op":"replace","path":"/data/none/deep","value":1}]`)
	case "patch-unknown":
		patch(`[{"op":"add","path":"/unknown","value":1}]`)
	case "patch-wrong":
		patch(`[{"op":"add","path":"/data","value":5}]`)
	case "patch-invalid":
		patch(`[{"op":"add","path":"/metadata/labels","value":{"-":"-"}}]`)
	case "patch-name":
		patch(`[{"op":"replace","path":"/metadata/name","value":"renamed"}]`)
	case "patch-empty":
		patch(`[]`)
	case "patch-broken":
		patch(`{`)
	case "patch-untyped":
		annotate("patched", "yes")
		delete(out, "patchType")
	case "patch-other-type":
		annotate("patched", "yes")
		out["patchType"] = "MergePatch"
	case "type-alone":
		out["patchType"] = "JSONPatch"
	case "deny-patch":
		annotate("patched", "yes")
		out["allowed"] = false
	case "other-uid":
		out["uid"] = "other"
	case "no-uid":
		delete(out, "uid")
	case "echo":
		annotate("echo", echo(req))
	case "echo-refuse":
		out["allowed"], out["status"] = false, map[string]any{"message": echo(req)}
	}
	return out
}

// echo is what the API server said in its request, but for what it chose itself.
func echo(req map[string]any) string {
	flat := flatten(req)
	var lines []string
	for _, path := range sortedKeys(flat) {
		switch {
		case path == "uid", strings.Contains(path, "managedFields"), strings.Contains(path, ".extra."), strings.Contains(path, "creationTimestamp"):
		default:
			lines = append(lines, path+"="+flat[path])
		}
	}
	return strings.Join(lines, "; ")
}

// convert answers with objects of the version that is wanted.
func convert(behaviour string, req map[string]any) map[string]any {
	out := map[string]any{"uid": req["uid"], "result": map[string]any{"status": "Success"}}
	objects, _ := req["objects"].([]any)
	converted := []any{}
	for _, o := range objects {
		o, _ := o.(map[string]any)
		c := map[string]any{}
		for k, v := range o {
			c[k] = v
		}
		c["apiVersion"] = req["desiredAPIVersion"]
		spec, _ := o["spec"].(map[string]any)
		c["spec"] = map[string]any{"size": spec["size"], "by": "webhook to " + fmt.Sprint(req["desiredAPIVersion"])}
		metadata := map[string]any{}
		old, _ := o["metadata"].(map[string]any)
		for k, v := range old {
			metadata[k] = v
		}
		switch behaviour {
		case "convert-labels":
			metadata["labels"], metadata["annotations"] = map[string]any{"converted": "yes"}, map[string]any{"converted": "yes"}
		case "convert-bad-labels":
			metadata["labels"] = map[string]any{"-": "-"}
		case "convert-name":
			metadata["name"] = "renamed"
		case "convert-finalizers":
			metadata["finalizers"] = []any{"a.b/c"}
		case "convert-version":
			c["apiVersion"] = "story.example.org/v9"
		case "convert-kind":
			c["kind"] = "Other"
		case "convert-metadata":
			metadata = nil
		case "convert-invalid":
			c["spec"] = map[string]any{"size": "text"}
		}
		c["metadata"] = metadata
		if metadata == nil {
			delete(c, "metadata")
		}
		converted = append(converted, c)
	}
	switch behaviour {
	case "convert-fail":
		out["result"] = map[string]any{"status": "Failed", "message": "will not", "reason": "Odd", "code": 418}
		return out
	case "convert-fail-quietly":
		out["result"] = map[string]any{"status": "Failed"}
		return out
	case "convert-few":
		converted = []any{}
	case "convert-many":
		converted = append(converted, converted...)
	case "other-uid":
		out["uid"] = "other"
	}
	out["convertedObjects"] = converted
	return out
}
