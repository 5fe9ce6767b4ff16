package oracle

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/test/peer"
)

// disabled is the plugin that waits for a controller before it lets pods in.
const disabled = "ServiceAccount"

func TestOracle(t *testing.T) {
	r := newRunner(t)
	all := served(t, r.theirs.config)
	list, err := manifests(all)
	if err != nil {
		t.Fatal(err)
	}
	if r.dir, err = fixtureDir(); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		r.sample = 8
	}
	ctx := context.Background()
	for _, res := range all {
		if !wanted(res) {
			continue
		}
		if err := r.fixtures(ctx, res); err != nil {
			t.Fatal(err)
		}
		write(t, r.score)
		for _, s := range list {
			if s.resource != res {
				continue
			}
			if err := r.try(ctx, s); err != nil {
				t.Fatal(err)
			}
			if err := r.live(ctx, s); err != nil {
				t.Error(err)
			}
			write(t, r.score)
		}
	}
	for _, s := range stories() {
		if !wanted(&resource{kind: "Stories"}) && !wanted(&resource{kind: s.name}) {
			continue
		}
		if err := r.tell(ctx, s); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	r.conclude(t)
}

// newRunner starts both servers and reads what is known about them.
func newRunner(t *testing.T, more ...string) *runner {
	exceptions, err := readKnown(knownFile)
	if err != nil {
		t.Fatal(err)
	}
	upstream, ours := servers(t, more...)
	r := &runner{score: &score{known: exceptions, kinds: map[string]*tally{}}, given: given(t)}
	if r.theirs, err = newServer(upstream); err != nil {
		t.Fatal(err)
	}
	if r.ours, err = newServer(ours); err != nil {
		t.Fatal(err)
	}
	return r
}

// conclude fails the test for what differs.
func (r *runner) conclude(t *testing.T) {
	write(t, r.score)
	for _, u := range r.unsettled {
		t.Errorf("waited in vain for %s", u)
	}
	sum := r.score.total()
	t.Logf("%d cases, %d differ, %d more are known, %d texts", sum.cases, sum.differing, sum.explained, sum.by[aspectText])
	shown := 0
	for _, f := range r.score.found {
		if f.explained == "" && f.counts() && shown < 20 {
			shown++
			t.Errorf("%s: %s\n%s", f.kind, f.name, f.signature())
		}
	}
}

// write brings what is known so far to the files asked for.
func write(t *testing.T, s *score) {
	for _, file := range []struct {
		variable string
		write    func(*os.File)
	}{
		{"ORACLE_OUT", func(f *os.File) { s.writeFindings(f) }},
		{"ORACLE_REPORT", func(f *os.File) { s.writeTable(f) }},
	} {
		name := os.Getenv(file.variable)
		if name == "" {
			continue
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		file.write(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wanted(r *resource) bool {
	kinds := os.Getenv("ORACLE_KIND")
	return kinds == "" || slices.Contains(strings.Split(kinds, ","), r.kind)
}

// given starts what the API servers call, the same for both, and tells how stories name it.
func given(t *testing.T) notes {
	hook, k, b := newHooks(), newKubelet(), newBackend()
	t.Cleanup(hook.Close)
	t.Cleanup(k.Close)
	t.Cleanup(b.Close)
	out := hook.given()
	maps.Copy(out, k.given())
	maps.Copy(out, b.given())
	return out
}

// servers starts both with further flags, in which {{dir}} is a folder of each, or takes those that run if there are none.
func servers(t *testing.T, more ...string) (upstream, ours endpoint) {
	if a, b := os.Getenv("ORACLE_UPSTREAM"), os.Getenv("ORACLE_OURS"); a != "" && b != "" && len(more) == 0 {
		return endpoint{config: load(t, a)}, endpoint{config: load(t, b)}
	}
	args := append([]string{"--enable-admission-plugins=", "--disable-admission-plugins=" + disabled}, more...)
	start := func(bin string) endpoint {
		dir := t.TempDir()
		own := slices.Clone(args)
		for i := range own {
			own[i] = strings.ReplaceAll(own[i], "{{dir}}", dir)
		}
		c := peer.Start(t, peer.Config{UnsafeNoFsync: true, APIServerArgs: own, BinDir: bin})
		return endpoint{config: c.RESTConfig(peer.Admin), pki: c.PKIDir(), etcd: c.Etcd(), dir: dir}
	}
	mine := binaries(t)
	return start(""), start(mine)
}

func load(t *testing.T, kubeconfig string) *rest.Config {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// served lists what upstream can create, kinds that change what the server does with others last.
func served(t *testing.T, config *rest.Config) []*resource {
	client := discovery.NewDiscoveryClientForConfigOrDie(config)
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	var out []*resource
	for _, l := range lists {
		group, version, found := strings.Cut(l.GroupVersion, "/")
		if !found {
			group, version = "", group
		}
		byName := map[string]*resource{}
		for _, r := range l.APIResources {
			if name, sub, isSub := strings.Cut(r.Name, "/"); isSub {
				if byName[name] != nil {
					byName[name].subresources[sub] = true
				}
				continue
			}
			res := &resource{group: group, version: version, name: r.Name, kind: r.Kind, namespaced: r.Namespaced, verbs: r.Verbs, subresources: map[string]bool{}}
			byName[r.Name] = res
			if slices.Contains(r.Verbs, "create") {
				out = append(out, res)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *resource) int { return rank(a) - rank(b) })
	return out
}

// usual are the resources that users meet most.
var usual = []string{"pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "configmaps", "secrets",
	"serviceaccounts", "namespaces", "nodes", "persistentvolumes", "persistentvolumeclaims", "ingresses", "networkpolicies"}

func rank(r *resource) int {
	switch {
	case r.group == "admissionregistration.k8s.io":
		return len(usual) + 1
	case slices.Contains(usual, r.name):
		return slices.Index(usual, r.name)
	}
	return len(usual)
}
