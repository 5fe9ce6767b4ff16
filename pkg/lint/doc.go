// Package lint tells offline what an API server would say of manifests: the same errors and warnings, each with the line of
// the file that it is about.
//
//	sources, err := lint.Read([]string{"deploy/"}, os.Stdin)
//	report := lint.Check(sources, lint.Options{})
//	report.WriteText(os.Stdout)
//
// An object goes the way it goes in the server: strict decoding (unknown and duplicate fields, wrong types), defaults,
// validation of a create, warnings. The rules of the standard kinds are tiphys.dev/apirules; those of custom resources are the
// CustomResourceDefinitions found in the same input, judged by the published apiextensions code (package custom), schemas and
// CEL rules included. Where a server stops at the first stage that fails, lint goes on, so that all mistakes show at once.
//
// What no file can tell is left out: admission (quotas, policies, webhooks, Pod Security), rights, names that are taken and
// addresses that are in use.
//
// The functions are pure but for Read. Anybody may import the package.
package lint
