package alike

import (
	"fmt"
	"reflect"
	"sync"
)

// Copier copies between types by the names of their fields. Its zero value has no rules.
type Copier struct {
	rules map[pair]Rule
	plans sync.Map // pair -> plan
}

// Rule copies between two types that differ in shape. It reaches other types through Copy.
type Rule func(dst, src reflect.Value) error

type pair struct{ dst, src reflect.Type }

// plan is what is to be done for a pair, or why nothing can be.
type plan struct {
	run Rule
	err error
}

// Add makes a rule for a pair of types. All rules are there before the first copy.
func Add[D, S any](c *Copier, rule func(dst *D, src *S) error) {
	if c.rules == nil {
		c.rules = map[pair]Rule{}
	}
	c.rules[pair{reflect.TypeFor[D](), reflect.TypeFor[S]()}] = func(dst, src reflect.Value) error {
		// Keys and items of maps have no address.
		if !src.CanAddr() {
			p := reflect.New(src.Type()).Elem()
			p.Set(src)
			src = p
		}
		return rule(dst.Addr().Interface().(*D), src.Addr().Interface().(*S))
	}
}

// Copy fills what dst points to from what src points to. They share what is of one type in both.
func (c *Copier) Copy(dst, src any) error {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	return c.copy(d, s)
}

// Check tells whether values of the types can be copied.
func (c *Copier) Check(dst, src reflect.Type) error {
	_, err := c.plan(pair{dst, src})
	return err
}

func (c *Copier) copy(dst, src reflect.Value) error {
	run, err := c.plan(pair{dst.Type(), src.Type()})
	if err != nil {
		return err
	}
	return run(dst, src)
}

// plan finds or makes the plan of a pair; two that make the same one at the same time do no harm. Types that hold themselves have no plan: no
// kind of the API does that.
func (c *Copier) plan(p pair) (Rule, error) {
	found, ok := c.plans.Load(p)
	if !ok {
		run, err := c.compile(p)
		if err != nil {
			err = fmt.Errorf("copying %v as %v: %w", p.src, p.dst, err)
		}
		found, _ = c.plans.LoadOrStore(p, plan{run, err})
	}
	made := found.(plan)
	return made.run, made.err
}
