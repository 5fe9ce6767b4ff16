// Package harness starts a control plane's store and API server inside the test process, for tests of controllers, of the
// registry and of whatever else talks to the API. It takes about a second; one server can serve every test of a package.
//
//	c := harness.Start(t, harness.Config{})
//	client := c.Client()
//
// etcd and the API server are the real ones. There are no nodes and no containers: see test/e2e for those.
package harness
