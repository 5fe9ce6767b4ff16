package celcheck

import (
	"fmt"
	"sync"

	celgo "github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Expression is one expression with what it may result in. Name is set for variables of a policy.
type Expression struct {
	Name, Text string
	Types      []*celgo.Type
}

func (e Expression) GetName() string            { return e.Name }
func (e Expression) GetExpression() string      { return e.Text }
func (e Expression) ReturnTypes() []*celgo.Type { return e.Types }

// Declarations say which variables an expression may use.
type Declarations = plugincel.OptionalVariableDeclarations

var base = sync.OnceValue(func() *environment.EnvSet {
	return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
})

// Policy compiles the expressions of one policy, in which later ones see the variables of earlier ones.
type Policy struct{ compiler *plugincel.CompositedCompiler }

// NewPolicy starts with no variables.
func NewPolicy() (*Policy, error) {
	c, err := plugincel.NewCompositedCompiler(base())
	if err != nil {
		return nil, fmt.Errorf("building the CEL environment: %w", err)
	}
	return &Policy{compiler: c}, nil
}

// Variable compiles a variable and makes it known to what follows.
func (p *Policy) Variable(e Expression, decls Declarations, stored bool, path *field.Path) field.ErrorList {
	return result(p.compiler.CompileAndStoreVariable(e, decls, mode(stored)), e.Text, path)
}

// Check compiles an expression that may use the policy's variables.
func (p *Policy) Check(e Expression, decls Declarations, stored bool, path *field.Path) field.ErrorList {
	return result(p.compiler.CompileCELExpression(e, decls, mode(stored)), e.Text, path)
}

// Check compiles an expression by itself.
func Check(e Expression, decls Declarations, stored bool, path *field.Path) field.ErrorList {
	return result(plugincel.NewCompiler(base()).CompileCELExpression(e, decls, mode(stored)), e.Text, path)
}

// Expressions that are stored may use what later versions brought; new ones must run on every server of the cluster.
func mode(stored bool) environment.Type {
	if stored {
		return environment.StoredExpressions
	}
	return environment.NewExpressions
}

func result(r plugincel.CompilationResult, text string, path *field.Path) field.ErrorList {
	if r.Error == nil {
		return nil
	}
	switch r.Error.Type {
	case cel.ErrorTypeRequired:
		return field.ErrorList{field.Required(path, r.Error.Detail)}
	case cel.ErrorTypeInvalid:
		return field.ErrorList{field.Invalid(path, text, r.Error.Detail)}
	case cel.ErrorTypeInternal:
		return field.ErrorList{field.InternalError(path, r.Error)}
	}
	return field.ErrorList{field.InternalError(path, fmt.Errorf("unsupported error type: %w", r.Error))}
}

// Bool is the type of conditions.
var Bool = []*celgo.Type{celgo.BoolType}
