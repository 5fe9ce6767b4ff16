package policyrules

import (
	"slices"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// UnknownOperations says, in addition to the rule of each operation, that a mutation knows only these.
func UnknownOperations(m *v1.MatchResources, path *field.Path) field.ErrorList {
	if m == nil {
		return nil
	}
	var errs field.ErrorList
	known := []v1.OperationType{v1.OperationAll, v1.Connect, v1.Create, v1.Update}
	for _, r := range m.ResourceRules {
		for _, op := range r.Operations {
			if !slices.Contains(known, op) {
				errs = append(errs, field.NotSupported(path.Child("operations"), op, known))
			}
		}
	}
	return errs
}
