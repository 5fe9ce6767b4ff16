package scheme

import "testing"

// BenchmarkNew is what every start of the server pays for the scheme.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New()
	}
}

// BenchmarkStable is what it would pay without the alpha and beta versions.
func BenchmarkStable(b *testing.B) {
	all := Groups
	b.Cleanup(func() { Groups = all })
	Groups = nil
	for _, g := range all {
		if g.Unstable = nil; len(g.Versions) > 0 {
			Groups = append(Groups, g)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		New()
	}
}
