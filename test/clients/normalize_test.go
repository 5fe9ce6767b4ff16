package clients

import "testing"

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"pod/shop-5cdb66d4bb-7dknk 0/1":                         "pod/shop-RANDOM 0/1",
		`ReplicaSet "shop-7949c796ff" has`:                      `ReplicaSet "shop-HASH" has`,
		"web-settings web-agent web-broken":                     "web-settings web-agent web-broken",
		`\"resourceVersion\":\"606\"`:                           `\"resourceVersion\":\"REVISION\"`,
		"Resource Version:    104":                              "Resource Version:    REVISION",
		"at 2026-11-22T10:29:23Z, 3m2s ago":                     "at TIME, AGE",
		"Server Version: v1.36.6+tiphys.1, helm v4.3.1":         "Server Version: VERSION, helm v4.3.1",
		"10.96.7.7 10.111.3.4 10.95.0.1 192.0.2.1":              "SERVICE-IP SERVICE-IP 10.95.0.1 192.0.2.1",
		"a\nWaiting for deployment \"x\" to finish\nrolled out": "a\nrolled out",
	} {
		if got := normalize(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
