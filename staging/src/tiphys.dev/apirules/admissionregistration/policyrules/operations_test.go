package policyrules

import (
	"testing"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestUnknownOperations(t *testing.T) {
	for op, want := range map[v1.OperationType]int{v1.Create: 0, v1.OperationAll: 0, v1.Delete: 1, "": 1, "odd": 1} {
		m := &v1.MatchResources{ResourceRules: []v1.NamedRuleWithOperations{{RuleWithOperations: v1.RuleWithOperations{Operations: []v1.OperationType{op}}}}}
		errs := UnknownOperations(m, field.NewPath("rules"))
		if len(errs) != want || want > 0 && errs[0].Field != "rules.operations" {
			t.Errorf("operation %q: %v", op, errs)
		}
	}
}
