package alike

import (
	"errors"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kindAndVersion is told by the type itself; whoever writes the object puts it in.
var kindAndVersion = reflect.TypeFor[metav1.TypeMeta]()

func (c *Copier) compile(p pair) (Rule, error) {
	if rule, ok := c.rules[p]; ok {
		return rule, nil
	}
	if p.dst == p.src {
		return func(dst, src reflect.Value) error { dst.Set(src); return nil }, nil
	}
	if p.dst.Kind() != p.src.Kind() {
		return nil, fmt.Errorf("one is a %v, the other a %v", p.dst.Kind(), p.src.Kind())
	}
	switch p.dst.Kind() {
	case reflect.Struct:
		return c.compileStruct(p)
	case reflect.Pointer:
		return c.compilePointer(p)
	case reflect.Slice:
		return c.compileSlice(p)
	case reflect.Map:
		return c.compileMap(p)
	case reflect.String:
		return func(dst, src reflect.Value) error { dst.SetString(src.String()); return nil }, nil
	case reflect.Bool:
		return func(dst, src reflect.Value) error { dst.SetBool(src.Bool()); return nil }, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(dst, src reflect.Value) error { dst.SetInt(src.Int()); return nil }, nil
	}
	return nil, fmt.Errorf("no rule for a %v", p.dst.Kind())
}

// step copies a field.
type step struct {
	dst, src int
	run      Rule
}

func (c *Copier) compileStruct(p pair) (Rule, error) {
	if p.dst.NumField() != p.src.NumField() {
		return nil, fmt.Errorf("one has %d fields, the other %d", p.dst.NumField(), p.src.NumField())
	}
	var steps []step
	for i := range p.dst.NumField() {
		field := p.dst.Field(i)
		if field.Type == kindAndVersion {
			continue
		}
		from, ok := p.src.FieldByName(field.Name)
		if !ok || len(from.Index) != 1 {
			return nil, fmt.Errorf("no field %s", field.Name)
		}
		if !field.IsExported() {
			return nil, errors.New("a field is not exported")
		}
		s := step{dst: i, src: from.Index[0]}
		var err error
		if s.run, err = c.plan(pair{field.Type, from.Type}); err != nil {
			return nil, fmt.Errorf("field %s: %w", field.Name, err)
		}
		steps = append(steps, s)
	}
	return func(dst, src reflect.Value) error {
		for _, s := range steps {
			if err := s.run(dst.Field(s.dst), src.Field(s.src)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (c *Copier) compilePointer(p pair) (Rule, error) {
	inner, err := c.plan(pair{p.dst.Elem(), p.src.Elem()})
	if err != nil {
		return nil, err
	}
	return func(dst, src reflect.Value) error {
		if src.IsNil() {
			dst.SetZero()
			return nil
		}
		to := reflect.New(p.dst.Elem())
		if err := inner(to.Elem(), src.Elem()); err != nil {
			return err
		}
		dst.Set(to)
		return nil
	}, nil
}

func (c *Copier) compileSlice(p pair) (Rule, error) {
	inner, err := c.plan(pair{p.dst.Elem(), p.src.Elem()})
	if err != nil {
		return nil, err
	}
	return func(dst, src reflect.Value) error {
		if src.IsNil() {
			dst.SetZero()
			return nil
		}
		to := reflect.MakeSlice(p.dst, src.Len(), src.Len())
		for i := range src.Len() {
			if err := inner(to.Index(i), src.Index(i)); err != nil {
				return err
			}
		}
		dst.Set(to)
		return nil
	}, nil
}

func (c *Copier) compileMap(p pair) (Rule, error) {
	key, err := c.plan(pair{p.dst.Key(), p.src.Key()})
	if err != nil {
		return nil, err
	}
	item, err := c.plan(pair{p.dst.Elem(), p.src.Elem()})
	if err != nil {
		return nil, err
	}
	return func(dst, src reflect.Value) error {
		if src.IsNil() {
			dst.SetZero()
			return nil
		}
		to := reflect.MakeMapWithSize(p.dst, src.Len())
		for all := src.MapRange(); all.Next(); {
			k, v := reflect.New(p.dst.Key()).Elem(), reflect.New(p.dst.Elem()).Elem()
			if err := key(k, all.Key()); err != nil {
				return err
			}
			if err := item(v, all.Value()); err != nil {
				return err
			}
			to.SetMapIndex(k, v)
		}
		dst.Set(to)
		return nil
	}, nil
}
