package horizontalpodautoscaler

import "testing"

func TestPerPod(t *testing.T) {
	even := tolerance{0.1, 0.1}
	for _, tc := range []struct {
		name             string
		current          int32
		values           []int64 // of measured pods, in thousandths of a core; each requests 1000
		missing, unready int
		target           int64 // percent
		want             int32
	}{
		{"twice the target doubles", 2, []int64{1000, 1000}, 0, 0, 50, 4},
		{"half the target halves", 4, []int64{250, 250, 250, 250}, 0, 0, 50, 2},
		{"within the tolerance", 3, []int64{520, 530, 500}, 0, 0, 50, 3},
		{"a missing pod counts as idle when scaling up", 3, []int64{1000, 1000}, 1, 0, 50, 4},
		{"and as busy when scaling down", 4, []int64{100, 100, 100}, 1, 0, 50, 3},
		{"unready pods hold back", 3, []int64{900, 900}, 0, 1, 50, 4},
		{"they do not turn it round", 4, []int64{600}, 0, 3, 50, 4},
	} {
		g, samples := groups{}, map[string]Sample{}
		for i, v := range tc.values {
			name := string(rune('a' + i))
			g.measured, samples[name] = append(g.measured, name), Sample{Value: v}
		}
		for i := range tc.missing {
			g.missing = append(g.missing, "m"+string(rune('a'+i)))
		}
		for i := range tc.unready {
			g.unready = append(g.unready, "u"+string(rune('a'+i)))
		}
		got, _, _, err := perPod(tc.current, g, samples, func(string) int64 { return 1000 }, tc.target, true, even)
		if err != nil || got != tc.want {
			t.Errorf("%s: %d, %v, want %d", tc.name, got, err, tc.want)
		}
	}
	if _, _, _, err := perPod(2, groups{missing: []string{"a"}}, nil, func(string) int64 { return 1 }, 50, true, even); err == nil {
		t.Error("nothing was measured, and no error")
	}
}

func TestWholeAndShared(t *testing.T) {
	even := tolerance{0.1, 0.1}
	if n := whole(2, 2, 3000, 1000, even); n != 6 {
		t.Errorf("value three times its target with two ready: %d", n)
	}
	if n := whole(0, 0, 3000, 1000, even); n != 3 {
		t.Errorf("from zero: %d", n)
	}
	if n := shared(2, 10500, 5000, even); n != 2 {
		t.Errorf("within the tolerance: %d", n)
	}
	if n := shared(2, 16000, 5000, even); n != 4 {
		t.Errorf("16 divided by 5: %d", n)
	}
}
