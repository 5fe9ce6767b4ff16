package reconciler

import (
	"slices"
	"strings"
	"testing"
)

func TestCounted(t *testing.T) {
	// As upstream's servers were seen to do.
	for _, tc := range []struct {
		name, present string
		count         int
		want          string
	}{
		{"the first", "", 1, "10.0.0.9"},
		{"is there already", "10.0.0.9", 2, "10.0.0.9"},
		{"another's is kept", "10.0.0.1", 2, "10.0.0.1 10.0.0.9"},
		{"another's is kept, though none is to be", "10.0.0.1", 0, "10.0.0.9"},
		{"too many before it", "10.0.0.1 10.0.0.2 10.0.0.3", 2, "10.0.0.2 10.0.0.9"},
		{"too many on both sides", "10.0.0.1 10.0.0.9 20.0.0.1", 2, "10.0.0.1 10.0.0.9"},
		{"too many behind it", "10.0.0.9 20.0.0.1 20.0.0.2", 2, "10.0.0.9 20.0.0.2"},
		{"all others", "10.0.0.1 10.0.0.2 20.0.0.1 20.0.0.2", 1, "10.0.0.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			present := strings.Fields(tc.present)
			before := slices.Clone(present)
			if got := strings.Join(counted(present, "10.0.0.9", tc.count), " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if !slices.Equal(before, present) {
				t.Errorf("what was read was changed: %v", present)
			}
		})
	}
}
