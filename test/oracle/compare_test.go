package oracle

import (
	"encoding/json"
	"testing"
)

func answered(t *testing.T, code int, body string, warnings ...string) answer {
	t.Helper()
	a := answer{code: code, body: []byte(body), warnings: warnings}
	if err := json.Unmarshal(a.body, &a.value); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCompare(t *testing.T) {
	refusal := func(field, message string) string {
		return `{"kind":"Status","status":"Failure","reason":"Invalid","message":"m","details":{"causes":[{"reason":"FieldValueInvalid","field":"` + field + `","message":"` + message + `"}]}}`
	}
	for _, c := range []struct {
		name         string
		theirs, ours answer
		want         string
	}{
		{"chosen values", answered(t, 200, `{"kind":"Service","metadata":{"uid":"11111111-2222-3333-4444-555555555555","resourceVersion":"5"},"spec":{"clusterIP":"10.96.0.7"}}`),
			answered(t, 200, `{"kind":"Service","metadata":{"uid":"11111111-2222-3333-4444-666666666666","resourceVersion":"9"},"spec":{"clusterIP":"10.97.1.2"}}`), ""},
		{"order of managers", answered(t, 200, `{"metadata":{"managedFields":[{"manager":"a"},{"manager":"b"}]}}`),
			answered(t, 200, `{"metadata":{"managedFields":[{"manager":"b"},{"manager":"a"}]}}`), ""},
		{"code", answered(t, 200, `{}`), answered(t, 422, `{}`), aspectCode},
		{"field of a cause", answered(t, 422, refusal("a", "m")), answered(t, 422, refusal("b", "m")), aspectCauses},
		{"text of a cause", answered(t, 422, refusal("a", "m")), answered(t, 422, refusal("a", "n")), aspectText},
		{"default", answered(t, 201, `{"spec":{"replicas":1}}`), answered(t, 201, `{"spec":{}}`), aspectObject},
		{"warning", answered(t, 201, `{}`, "w"), answered(t, 201, `{}`), aspectWarnings},
	} {
		got := ""
		for _, d := range compare(c.theirs, c.ours) {
			got += d.aspect
		}
		if got != c.want {
			t.Errorf("%s: differs in %q, want %q", c.name, got, c.want)
		}
	}
}
