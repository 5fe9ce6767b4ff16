package admission

import (
	"context"
	"io"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
)

// request is a case: what happens when a plugin sees an object.
type request struct {
	name   string
	plugin string
	config string
	// cluster is what is stored already.
	cluster []runtime.Object
	// resource is "group/resource/subresource"; the core group is empty.
	resource    string
	kind        schema.GroupVersionKind
	operation   admission.Operation
	object, old runtime.Object
	user        string
	// want is part of the refusal; empty means let through. check looks at the object afterwards.
	want  string
	check func(*testing.T)
}

// gates has everything on but what is off in 1.36 by default.
type gates struct{ featuregate.FeatureGate }

func (gates) Enabled(f featuregate.Feature) bool { return f != "GenericWorkload" }

// permits lets the user "signer" act for signers of ex.com, and "deleter" delete and finalize.
type permits struct{}

func (permits) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	signs := a.GetUser().GetName() == "signer" && a.GetResource() == "signers" && a.GetName() == "ex.com/*"
	if signs || a.GetUser().GetName() == "deleter" {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func build(t *testing.T, r request) admission.Interface {
	t.Helper()
	client := fake.NewClientset(r.cluster...)
	f := informers.NewSharedInformerFactory(client, 0)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, meta.RESTScopeNamespace)
	version := compatibility.NewEffectiveVersionFromString("1.36", "1.36", "1.36")
	own, err := newInitializer(f)
	if err != nil {
		t.Fatal(err)
	}
	var config io.Reader
	if r.config != "" {
		config = strings.NewReader(r.config)
	}
	inits := admission.PluginInitializers{initializer.New(client, nil, f, permits{}, gates{}, version, t.Context().Done(), mapper), own}
	p, err := NewConfig().Plugins.InitPlugin(r.plugin, config, inits)
	if err != nil {
		t.Fatalf("building %s: %v", r.plugin, err)
	}
	f.Start(t.Context().Done())
	f.WaitForCacheSync(t.Context().Done())
	return p
}

func (r request) run(t *testing.T) {
	p := build(t, r)
	parts := append(strings.Split(r.resource, "/"), "")
	name := "o"
	if m, err := meta.Accessor(r.object); err == nil && r.object != nil && m.GetName() != "" {
		name = m.GetName()
	}
	op := r.operation
	if op == "" {
		op = admission.Create
	}
	a := admission.NewAttributesRecord(r.object, r.old, r.kind, "ns", name,
		schema.GroupVersionResource{Group: parts[0], Version: "v1", Resource: parts[1]}, parts[2], op, nil, false, &user.DefaultInfo{Name: r.user})
	var err error
	if m, ok := p.(admission.MutationInterface); ok && p.Handles(op) {
		err = m.Admit(t.Context(), a, nil)
	}
	if v, ok := p.(admission.ValidationInterface); ok && err == nil && p.Handles(op) {
		err = v.Validate(t.Context(), a, nil)
	}
	switch {
	case r.want == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)):
		t.Fatalf("got %v, want %q", err, r.want)
	}
	if r.check != nil {
		r.check(t)
	}
}
