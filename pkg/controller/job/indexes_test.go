package job

import "testing"

func TestIndexes(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int32
		want  string
	}{
		{"", 10, ""},
		{"1", 10, "1"},
		{"0-2,4,6-7", 10, "0-2,4,6,7"},
		{"0-2,4", 2, "0,1"},
		{"7,3,4,5", 10, "3-5,7"},
	} {
		if got := parseIndexes(c.in, c.limit).String(); got != c.want {
			t.Errorf("%q below %d: %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}
