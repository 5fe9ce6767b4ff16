package policyrules

import (
	"regexp"

	celgo "github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/sets"
)

// reservedWords are those that CEL's grammar keeps for itself.
var reservedWords = sets.New("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
	"import", "let", "loop", "package", "namespace", "return", "var", "void", "while")

// celIdentifier is what CEL takes for a name.
var celIdentifier = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)

// anything is the type of variables.
var anything = []*celgo.Type{celgo.AnyType, celgo.DynType}
