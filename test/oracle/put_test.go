package oracle

import "testing"

// TestPutNew puts an object of each kind that is not there. TestOracle does the same, in the midst of all else.
func TestPutNew(t *testing.T) {
	r := newRunner(t)
	all := served(t, r.theirs.config)
	list, err := manifests(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if err := r.putNew(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
	r.conclude(t)
}
