package alike

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type word string

type leftItem struct {
	Name  string
	Count int32
}

type rightItem struct {
	Name  string
	Count int32
}

type left struct {
	metav1.TypeMeta
	Name   word
	On     *bool
	Items  []leftItem
	ByName map[string]leftItem
	One    *leftItem
	Labels map[string]string
	Size   int
}

type right struct {
	metav1.TypeMeta
	Size   string
	Labels map[string]string
	One    *rightItem
	ByName map[word]rightItem
	Items  []rightItem
	On     *bool
	Name   string
}

func newCopier() *Copier {
	c := &Copier{}
	Add(c, func(dst *string, src *int) error { *dst = strconv.Itoa(*src); return nil })
	Add(c, func(dst *int, src *string) (err error) { *dst, err = strconv.Atoi(*src); return err })
	return c
}

func TestCopy(t *testing.T) {
	yes := true
	in := left{
		TypeMeta: metav1.TypeMeta{Kind: "Left"}, Name: "n", On: &yes, Items: []leftItem{{"a", 1}, {"b", 2}}, ByName: map[string]leftItem{"c": {"c", 3}},
		One: &leftItem{"d", 4}, Labels: map[string]string{"k": "v"}, Size: 7,
	}
	want := right{
		Name: "n", On: &yes, Items: []rightItem{{"a", 1}, {"b", 2}}, ByName: map[word]rightItem{"c": {"c", 3}}, One: &rightItem{"d", 4},
		Labels: map[string]string{"k": "v"}, Size: "7",
	}
	c := newCopier()
	var out right
	if err := c.Copy(&out, &in); err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("%+v (%v)", out, err)
	}
	if out.On != in.On {
		t.Error("what is of one type is not shared")
	}
	var back left
	in.TypeMeta = metav1.TypeMeta{}
	if err := c.Copy(&back, &out); err != nil || !reflect.DeepEqual(back, in) {
		t.Errorf("back: %+v (%v)", back, err)
	}
}

func TestCopyKeepsEmptyAndMissing(t *testing.T) {
	c := newCopier()
	for name, in := range map[string]left{"missing": {}, "empty": {Items: []leftItem{}, ByName: map[string]leftItem{}, Labels: map[string]string{}}} {
		out := right{Items: []rightItem{{"old", 1}}, One: &rightItem{}, Labels: map[string]string{"old": ""}}
		if err := c.Copy(&out, &in); err != nil {
			t.Fatal(err)
		}
		empty := name == "empty"
		if (out.Items != nil) != empty || (out.ByName != nil) != empty || (out.Labels != nil) != empty || len(out.Items)+len(out.Labels) > 0 || out.One != nil {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

func TestRulesFail(t *testing.T) {
	c := newCopier()
	if err := c.Copy(&left{}, &right{Size: "many"}); err == nil {
		t.Error("the rule's error is lost")
	}
}

func TestCheck(t *testing.T) {
	type more struct {
		Name  string
		Count int32
		Other int
	}
	type renamed struct {
		Name   string
		Number int32
	}
	type list struct{ Items []renamed }
	type otherList struct{ Items []leftItem }
	c := newCopier()
	for _, row := range []struct {
		dst, src any
		says     string
	}{
		{left{}, right{}, ""}, {leftItem{}, more{}, "one has 2 fields, the other 3"}, {leftItem{}, renamed{}, "no field Count"},
		{list{}, otherList{}, "field Items: "}, {1, true, "one is a int, the other a bool"}, {struct{ A any }{}, struct{ A error }{}, "no rule for a interface"},
	} {
		err := c.Check(reflect.TypeOf(row.dst), reflect.TypeOf(row.src))
		if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%T as %T: %v", row.src, row.dst, err)
		}
	}
}
