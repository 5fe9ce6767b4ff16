package compat

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"tiphys.dev/tiphys/test/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "compat")
	if err != nil {
		panic(err)
	}
	if cluster, err = harness.New(harness.Config{DataDir: dir}); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		panic(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// resource is a row of discovery.
type resource struct {
	Group, Version, Name, SingularName, Kind string
	Namespaced                               bool
	ShortNames, Categories, Verbs            []string
}

// notServed are resources of upstream that we do not serve yet, each with the reason.
var notServed = map[string]string{}

// TestDiscovery compares every resource and subresource.
func TestDiscovery(t *testing.T) {
	var want []resource
	load(t, "discovery.json", &want)
	// The aggregated form fills in what the recorded one leaves open.
	client := discovery.NewDiscoveryClientForConfigOrDie(cluster.RESTConfig())
	client.UseLegacyDiscovery = true
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]metav1.APIResource{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range l.APIResources {
			got[gv.Group+"/"+gv.Version+"/"+r.Name] = r
		}
	}
	seen := map[string]bool{}
	for _, w := range want {
		key := w.Group + "/" + w.Version + "/" + w.Name
		seen[key] = true
		if notServed[key] != "" {
			continue
		}
		g, ok := got[key]
		if !ok {
			t.Errorf("%s is not served", key)
			continue
		}
		slices.Sort(g.Verbs)
		for _, c := range []struct {
			what      string
			got, want any
		}{
			{"kind", g.Kind, w.Kind}, {"namespaced", g.Namespaced, w.Namespaced}, {"singular name", g.SingularName, w.SingularName},
			{"short names", list(g.ShortNames), list(w.ShortNames)}, {"categories", list(g.Categories), list(w.Categories)},
			{"verbs", list(g.Verbs), list(w.Verbs)},
		} {
			if !reflect.DeepEqual(c.got, c.want) {
				t.Errorf("%s: %s is %v, upstream has %v", key, c.what, c.got, c.want)
			}
		}
	}
	for key := range got {
		if !seen[key] {
			t.Errorf("%s is served, and not by upstream", key)
		}
	}
}

func list(s []string) string { return strings.Join(s, ",") }

// TestTableColumns compares the columns that kubectl shows.
func TestTableColumns(t *testing.T) {
	var want map[string][][]any
	load(t, "table-columns.json", &want)
	client := cluster.Client().Discovery().RESTClient()
	for key, columns := range want {
		t.Run(strings.TrimPrefix(key, "/"), func(t *testing.T) {
			if notServed[key] != "" {
				t.Skip(notServed[key])
			}
			path := "/apis/" + key
			if strings.HasPrefix(key, "/") {
				path = "/api" + key
			}
			raw, err := client.Get().AbsPath(path).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var table metav1.Table
			if err := json.Unmarshal(raw, &table); err != nil {
				t.Fatal(err)
			}
			var got [][]any
			for _, c := range table.ColumnDefinitions {
				got = append(got, []any{c.Name, c.Type, c.Format, float64(c.Priority)})
			}
			if !reflect.DeepEqual(got, columns) {
				t.Errorf("columns are\n%v, upstream has\n%v", got, columns)
			}
		})
	}
}

// TestBootstrapObjects makes sure that a fresh cluster contains what one of upstream does.
func TestBootstrapObjects(t *testing.T) {
	var want map[string][]unstructured.Unstructured
	load(t, "bootstrap-objects.json", &want)
	resources := map[string]schema.GroupVersionResource{
		"clusterroles":                {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
		"clusterrolebindings":         {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
		"roles":                       {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		"rolebindings":                {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
		"namespaces":                  {Version: "v1", Resource: "namespaces"},
		"priorityclasses":             {Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"},
		"flowschemas":                 {Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Resource: "flowschemas"},
		"prioritylevelconfigurations": {Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Resource: "prioritylevelconfigurations"},
		"apiservices":                 {Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
		"servicecidrs":                {Group: "networking.k8s.io", Version: "v1", Resource: "servicecidrs"},
	}
	for name, gvr := range resources {
		t.Run(name, func(t *testing.T) {
			if len(want[name]) == 0 {
				t.Fatalf("nothing recorded for %s", name)
			}
			for _, w := range want[name] {
				got, err := cluster.Dynamic().Resource(gvr).Namespace(w.GetNamespace()).Get(context.Background(), w.GetName(), metav1.GetOptions{})
				if err != nil {
					t.Errorf("%s %s: %v", name, w.GetName(), err)
					continue
				}
				_, aggregated := w.Object["aggregationRule"]
				for _, part := range []string{"rules", "roleRef", "subjects", "aggregationRule", "spec", "value", "globalDefault", "preemptionPolicy", "description"} {
					// The rules of an aggregated role are the aggregation controller's, which does not run here.
					if part == "rules" && aggregated {
						continue
					}
					if !reflect.DeepEqual(got.Object[part], w.Object[part]) {
						t.Errorf("%s %s: %s is\n%v, upstream has\n%v", name, w.GetName(), part, got.Object[part], w.Object[part])
					}
				}
			}
		})
	}
}
