package prioritylevelconfiguration

import (
	"fmt"

	v1 "k8s.io/api/flowcontrol/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	defaultShares, defaultQueues, defaultHand, defaultLength = 30, 64, 8, 50
	mostQueues                                               = 10_000_000
	mostEntropyBits                                          = 60
)

// SetDefaults describes the level as far as it is left open.
func SetDefaults(obj *v1.PriorityLevelConfiguration) {
	if l := obj.Spec.Limited; l != nil {
		setDefault(&l.NominalConcurrencyShares, defaultShares)
		setDefault(&l.LendablePercent, 0)
		if q := l.LimitResponse.Queuing; q != nil {
			setNumber(&q.Queues, defaultQueues)
			setNumber(&q.HandSize, defaultHand)
			setNumber(&q.QueueLengthLimit, defaultLength)
		}
	}
	if obj.Spec.Type == v1.PriorityLevelEnablementExempt && obj.Spec.Exempt == nil {
		obj.Spec.Exempt = &v1.ExemptPriorityLevelConfiguration{}
	}
	if e := obj.Spec.Exempt; e != nil {
		setDefault(&e.NominalConcurrencyShares, 0)
		setDefault(&e.LendablePercent, 0)
	}
}

func setDefault(field **int32, value int32) {
	if *field == nil {
		*field = &value
	}
}

func setNumber(field *int32, value int32) {
	if *field == 0 {
		*field = value
	}
}

// Validate checks a new level.
func Validate(obj *v1.PriorityLevelConfiguration) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, validateMandatory(obj, path)...)
	exemptName := obj.Name == v1.PriorityLevelConfigurationNameExempt
	if exemptName != (obj.Spec.Type == v1.PriorityLevelEnablementExempt) {
		errs = append(errs, field.Invalid(path.Child("type"), obj.Spec.Type, "type must be 'Exempt' if and only if name is 'exempt'"))
	}
	limited, exempt := path.Child("limited"), path.Child("exempt")
	switch obj.Spec.Type {
	case v1.PriorityLevelEnablementExempt:
		if obj.Spec.Limited != nil {
			errs = append(errs, field.Forbidden(limited, "must be nil if the type is not Limited"))
		}
		if e := obj.Spec.Exempt; e != nil {
			if e.NominalConcurrencyShares != nil {
				errs = append(errs, notNegative(exempt.Child("nominalConcurrencyShares"), *e.NominalConcurrencyShares)...)
			}
			errs = append(errs, percentage(exempt.Child("lendablePercent"), e.LendablePercent)...)
		}
	case v1.PriorityLevelEnablementLimited:
		if obj.Spec.Exempt != nil {
			errs = append(errs, field.Forbidden(exempt, "must be nil if the type is Limited"))
		}
		if obj.Spec.Limited == nil {
			errs = append(errs, field.Required(limited, "must not be empty when type is Limited"))
		} else {
			errs = append(errs, validateLimited(obj.Spec.Limited, limited)...)
		}
	default:
		errs = append(errs, check.RequiredOneOf(path.Child("type"), obj.Spec.Type, v1.PriorityLevelEnablementExempt, v1.PriorityLevelEnablementLimited)...)
	}
	return errs
}

func notNegative(path *field.Path, n int32) field.ErrorList {
	if n < 0 {
		return field.ErrorList{field.Invalid(path, n, "must be a non-negative integer")}
	}
	return nil
}

func percentage(path *field.Path, n *int32) field.ErrorList {
	if n != nil && (*n < 0 || *n > 100) {
		return field.ErrorList{field.Invalid(path, *n, "must be between 0 and 100, inclusive")}
	}
	return nil
}

// validateMandatory: the two levels every server needs are as they are, but for how much the exempt one is worth.
func validateMandatory(obj *v1.PriorityLevelConfiguration, path *field.Path) field.ErrorList {
	switch obj.Name {
	case v1.PriorityLevelConfigurationNameExempt:
		want := v1.PriorityLevelConfigurationSpec{Type: v1.PriorityLevelEnablementExempt, Exempt: obj.Spec.Exempt}
		if !check.Same(obj.Spec, want) {
			return field.ErrorList{field.Invalid(path, obj.Spec, fmt.Sprintf("spec of '%s' except the 'spec.exempt' field must equal the fixed value", obj.Name))}
		}
	case v1.PriorityLevelConfigurationNameCatchAll:
		shares, lend := int32(5), int32(0)
		want := v1.PriorityLevelConfigurationSpec{Type: v1.PriorityLevelEnablementLimited, Limited: &v1.LimitedPriorityLevelConfiguration{
			NominalConcurrencyShares: &shares, LendablePercent: &lend, LimitResponse: v1.LimitResponse{Type: v1.LimitResponseTypeReject}}}
		if !check.Same(obj.Spec, want) {
			return field.ErrorList{field.Invalid(path, obj.Spec, fmt.Sprintf("spec of '%s' must equal the fixed value", obj.Name))}
		}
	}
	return nil
}

func validateLimited(l *v1.LimitedPriorityLevelConfiguration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if l.NominalConcurrencyShares != nil {
		errs = append(errs, notNegative(path.Child("nominalConcurrencyShares"), *l.NominalConcurrencyShares)...)
	}
	response := path.Child("limitResponse")
	switch q := l.LimitResponse.Queuing; l.LimitResponse.Type {
	case v1.LimitResponseTypeReject:
		if q != nil {
			errs = append(errs, field.Forbidden(response.Child("queuing"), "must be nil if limited.limitResponse.type is not Limited"))
		}
	case v1.LimitResponseTypeQueue:
		if q == nil {
			errs = append(errs, field.Required(response.Child("queuing"), "must not be empty if limited.limitResponse.type is Limited"))
		} else {
			errs = append(errs, validateQueuing(q, response.Child("queuing"))...)
		}
	default:
		errs = append(errs, check.RequiredOneOf(response.Child("type"), l.LimitResponse.Type, v1.LimitResponseTypeQueue, v1.LimitResponseTypeReject)...)
	}
	errs = append(errs, percentage(path.Child("lendablePercent"), l.LendablePercent)...)
	if b := l.BorrowingLimitPercent; b != nil {
		if *b < 0 {
			errs = append(errs, field.Invalid(path.Child("borrowingLimitPercent"), *b, "if specified, must be a non-negative integer"))
		}
	}
	return errs
}

func validateQueuing(q *v1.QueuingConfiguration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if q.QueueLengthLimit <= 0 {
		errs = append(errs, field.Invalid(path.Child("queueLengthLimit"), q.QueueLengthLimit, "must be positive"))
	}
	if q.Queues <= 0 {
		errs = append(errs, field.Invalid(path.Child("queues"), q.Queues, "must be positive"))
	} else if q.Queues > mostQueues {
		errs = append(errs, field.Invalid(path.Child("queues"), q.Queues, fmt.Sprintf("must not be greater than %d", mostQueues)))
	}
	hand := path.Child("handSize")
	switch bits := entropyBits(q.Queues, q.HandSize); {
	case q.HandSize <= 0:
		errs = append(errs, field.Invalid(hand, q.HandSize, "must be positive"))
	case q.HandSize > q.Queues:
		errs = append(errs, field.Invalid(hand, q.HandSize, fmt.Sprintf("should not be greater than queues (%d)", q.Queues)))
	case bits > mostEntropyBits:
		errs = append(errs, field.Invalid(hand, q.HandSize, fmt.Sprintf("required entropy bits of deckSize %d and handSize %d should not be greater than %d", q.Queues, q.HandSize, mostEntropyBits)))
	}
	return errs
}

// entropyBits is how many bits of a hash it takes to deal a hand of different queues.
func entropyBits(queues, hand int32) int {
	if queues <= 0 || hand <= 0 {
		return 0
	}
	bits, product := 0, 1.0
	for i := int32(0); i < hand && queues-i > 0; i++ {
		product *= float64(queues - i)
		for product >= 2 {
			product /= 2
			bits++
		}
	}
	if product > 1 {
		bits++
	}
	return bits
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.PriorityLevelConfiguration) field.ErrorList {
	return append(Validate(obj), apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
}

// ValidateStatusUpdate checks the conditions.
func ValidateStatusUpdate(obj, old *v1.PriorityLevelConfiguration) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	seen := sets.New[v1.PriorityLevelConfigurationConditionType]()
	for i, c := range obj.Status.Conditions {
		at := field.NewPath("status", "conditions").Index(i)
		if seen.Has(c.Type) {
			errs = append(errs, field.Duplicate(at.Child("type"), c.Type))
		}
		seen.Insert(c.Type)
		if c.Type == "" {
			errs = append(errs, field.Required(at.Child("type"), ""))
		}
	}
	return errs
}
