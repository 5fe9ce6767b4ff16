package scheme

import (
	"net/url"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestQueryErrors holds the texts that clients get for parameters that cannot be read.
func TestQueryErrors(t *testing.T) {
	for _, c := range []struct {
		query string
		into  any
		want  string
	}{
		{"tailLines=x", &corev1.PodLogOptions{}, `strconv.ParseInt: parsing "x": invalid syntax`},
		{"sinceTime=x", &corev1.PodLogOptions{}, `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`},
		{"sinceTime=", &corev1.PodLogOptions{}, ""},
		{"ports=x", &corev1.PodPortForwardOptions{}, `cannot convert to []int32: strconv.ParseUint: parsing "x": invalid syntax`},
		{"ports=-1", &corev1.PodPortForwardOptions{}, `cannot convert to []int32: strconv.ParseUint: parsing "-1": invalid syntax`},
		{"ports=80&ports=443", &corev1.PodPortForwardOptions{}, ""},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := Scheme.Convert(&query, c.into, nil); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
}
