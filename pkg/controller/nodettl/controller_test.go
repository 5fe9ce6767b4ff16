package nodettl

import "testing"

func TestNext(t *testing.T) {
	for _, tc := range []struct {
		name              string
		step, nodes, want int
	}{
		{"empty", 0, 0, 0},
		{"at the upper border", 0, 100, 0},
		{"over the border", 0, 101, 1},
		{"a little below stays", 1, 95, 1},
		{"well below returns", 1, 89, 0},
		{"many at once", 0, 5000, 4},
		{"nearly all gone", 4, 3, 0},
	} {
		if got := next(tc.step, tc.nodes); got != tc.want {
			t.Errorf("%s: step %d, want %d", tc.name, got, tc.want)
		}
	}
}
