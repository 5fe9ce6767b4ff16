package nftables

import "slices"

// Element is one entry of a set (Value empty) or map.
type Element struct {
	Container, Key, Value, Comment string
}

// Chain is a chain with its rules, complete and in order.
type Chain struct {
	Name string
	// Base is the hook of a base chain, nil for others.
	Base  *Hook
	Rules []string
}

// Hook says where a base chain sits.
type Hook struct {
	Type, Hook, Priority string
}

// Container is a set or map. Value is empty for a set.
type Container struct {
	Name string
	// Key and Value are types, or expressions that have the type when TypeOf is set.
	Key, Value string
	TypeOf     bool
	// Timeout in seconds makes it a set that packets add to.
	Timeout int
}

// Fragment is all that one owner (a service, or the table itself) wants in a table.
type Fragment struct {
	Containers []Container
	Chains     []Chain
	// Shared chains, used by any number of owners; their rules follow from the name.
	Shared   []SharedChain
	Elements []Element
}

// elementID is what identifies an element in the kernel.
type elementID struct{ container, key string }

// claim is one owner's wish for an element.
type claim struct {
	owner, value, comment string
}

// ruleset is what the table contains, or will contain when the plan it handed out
// is carried out. Elements are counted by owner: two services may name the same
// external address and port, and then the one whose name sorts first has it; when it
// goes, the other gets it.
type ruleset struct {
	elements   map[elementID][]claim
	chains     map[string][]string
	containers map[string]Container
	shared     map[SharedChain]bool
}

func newRuleset() *ruleset {
	return &ruleset{
		elements:   map[elementID][]claim{},
		chains:     map[string][]string{},
		containers: map[string]Container{},
		shared:     map[SharedChain]bool{},
	}
}

// Plan is the difference between two states of a table, in the order in which it
// must be carried out: what is referred to comes first, what nobody refers to any more
// goes last, in a later transaction.
type Plan struct {
	AddContainers  []Container
	AddChains      []Chain // create, then (re)write the rules
	AddShared      []SharedChain
	DeleteElements []Element
	AddElements    []Element
	// Stale chains and sets: unused from now on.
	StaleChains []string
	StaleSets   []string
}

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool {
	return len(p.AddContainers)+len(p.AddChains)+len(p.AddShared)+len(p.DeleteElements)+len(p.AddElements)+
		len(p.StaleChains)+len(p.StaleSets) == 0
}

// replacement is one owner's fragment before and after. Either may be nil.
type replacement struct {
	owner         string
	before, after *Fragment
}

// plan exchanges fragments and returns what that changes in the table.
func (r *ruleset) plan(changes []replacement) *Plan {
	out := &Plan{}
	var order []elementID
	first := map[elementID]claim{} // what the kernel has now; owner empty when nothing
	touch := func(id elementID) {
		if _, seen := first[id]; seen {
			return
		}
		var now claim
		if c := r.elements[id]; len(c) > 0 {
			now = c[0]
		}
		first[id] = now
		order = append(order, id)
	}
	staleChains, staleSets := []string{}, []string{}
	for _, c := range changes {
		if c.before != nil {
			for _, e := range c.before.Elements {
				id := elementID{e.Container, e.Key}
				touch(id)
				r.unclaim(id, c.owner)
			}
			for i := range c.before.Chains {
				staleChains = append(staleChains, c.before.Chains[i].Name)
			}
			for _, s := range c.before.Containers {
				staleSets = append(staleSets, s.Name)
			}
		}
		if c.after != nil {
			for _, e := range c.after.Elements {
				id := elementID{e.Container, e.Key}
				touch(id)
				r.claim(id, claim{c.owner, e.Value, e.Comment})
			}
		}
	}
	wantedChains, wantedSets := map[string]bool{}, map[string]bool{}
	for _, c := range changes {
		if c.after != nil {
			r.planObjects(c.after, out, wantedChains, wantedSets)
		}
	}
	for _, name := range staleChains {
		if _, have := r.chains[name]; have && !wantedChains[name] {
			delete(r.chains, name)
			out.StaleChains = append(out.StaleChains, name)
		}
	}
	for _, name := range staleSets {
		if _, have := r.containers[name]; have && !wantedSets[name] {
			delete(r.containers, name)
			out.StaleSets = append(out.StaleSets, name)
		}
	}
	for _, id := range order {
		was := first[id]
		var now claim
		if c := r.elements[id]; len(c) > 0 {
			now = c[0]
		}
		had, has := was.owner != "", now.owner != ""
		if had && has && was.value == now.value {
			continue // a comment alone is not worth a change
		}
		if had {
			out.DeleteElements = append(out.DeleteElements, Element{id.container, id.key, was.value, was.comment})
		}
		if has {
			out.AddElements = append(out.AddElements, Element{id.container, id.key, now.value, now.comment})
		}
	}
	return out
}

func (r *ruleset) planObjects(f *Fragment, out *Plan, chains, sets map[string]bool) {
	for _, c := range f.Containers {
		sets[c.Name] = true
		if _, have := r.containers[c.Name]; !have {
			r.containers[c.Name] = c
			out.AddContainers = append(out.AddContainers, c)
		}
	}
	for _, c := range f.Chains {
		chains[c.Name] = true
		if old, have := r.chains[c.Name]; !have || !slices.Equal(old, c.Rules) {
			r.chains[c.Name] = c.Rules
			out.AddChains = append(out.AddChains, c)
		}
	}
	for _, s := range f.Shared {
		if !r.shared[s] {
			// Shared chains stay for good: there are as many as there are different
			// numbers of endpoints.
			r.shared[s] = true
			out.AddShared = append(out.AddShared, s)
		}
	}
}

func (r *ruleset) claim(id elementID, c claim) {
	have := r.elements[id]
	i, found := slices.BinarySearchFunc(have, c.owner, func(a claim, owner string) int {
		switch {
		case a.owner < owner:
			return -1
		case a.owner > owner:
			return 1
		}
		return 0
	})
	if found {
		return // the owner's fragment names it twice; the first counts
	}
	r.elements[id] = slices.Insert(have, i, c)
}

func (r *ruleset) unclaim(id elementID, owner string) {
	have := r.elements[id]
	i := slices.IndexFunc(have, func(c claim) bool { return c.owner == owner })
	switch {
	case i < 0:
	case len(have) == 1:
		delete(r.elements, id)
	default:
		r.elements[id] = slices.Delete(slices.Clone(have), i, i+1)
	}
}
