package nftables

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/knftables"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// baseOwner owns what Base returns. It sorts before every service.
const baseOwner = " "

// staleAfter is how long an unused chain stays. Older kernels finish the removal
// of map elements that point to it only some time after the transaction.
const staleAfter = time.Second

// Table programs one family's table. It is used by one goroutine.
type Table struct {
	opts *Options
	nft  knftables.Interface
	now  func() time.Time

	rules *ruleset // nil before the first load and after a failure
	base  *Fragment
	node  services.Node

	staleChains map[string]time.Time
	staleSets   map[string]time.Time
}

// NewTable returns a table that is not in the kernel yet.
func NewTable(opts Options, nft knftables.Interface, now func() time.Time) *Table {
	return &Table{opts: &opts, nft: nft, now: now}
}

// Result tells what a Sync did.
type Result struct {
	// Full is true when everything was loaded anew.
	Full bool
	// Operations is the number of commands in the transaction.
	Operations int
}

// Sync brings the table to the change's snapshot. localAddrs are the node's
// addresses, for node ports.
func (t *Table) Sync(ctx context.Context, c services.Change, localAddrs []netip.Addr) (Result, error) {
	// What services' fragments take from the node is part of what was loaded:
	// the fragments before can only be told with the node before.
	full := t.rules == nil || t.node.IPs != c.Node.IPs
	base := Base(t.opts, c.Node, c.ServiceCIDRs)
	base.Elements = NodePortElements(t.opts, c.Node, localAddrs)

	var changes []replacement
	if full {
		t.rules = newRuleset()
		changes = append(changes, replacement{owner: baseOwner, after: base})
		changes = append(changes, t.all(c)...)
	} else {
		changes = append(changes, replacement{owner: baseOwner, before: t.base, after: base})
		for _, name := range c.Changed {
			changes = append(changes, replacement{owner: name.String(),
				before: ForService(t.opts, c.Node, c.Before[name]),
				after:  ForService(t.opts, c.Node, c.Services[name])})
		}
	}
	plan := t.rules.plan(changes)
	t.base, t.node = base, c.Node

	tx := t.nft.NewTransaction()
	if full {
		t.staleChains, t.staleSets = map[string]time.Time{}, map[string]time.Time{}
		table := &knftables.Table{Comment: knftables.PtrTo("rules for kube-proxy")}
		// Deleting needs the table to exist, so it is added first.
		tx.Add(&knftables.Table{})
		tx.Delete(&knftables.Table{})
		tx.Add(table)
	}
	t.write(tx, plan)
	if tx.NumOperations() == 0 {
		return Result{}, nil
	}
	res := Result{Full: full, Operations: tx.NumOperations()}
	if err := t.nft.Run(ctx, tx); err != nil {
		t.rules = nil // what the kernel has is not what we think
		return res, fmt.Errorf("programming table %s %s with %d commands: %w", ip(t.opts.Family), TableName, res.Operations, err)
	}
	return res, nil
}

func (t *Table) all(c services.Change) []replacement {
	out := make([]replacement, 0, len(c.Services))
	for name, svc := range c.Services {
		out = append(out, replacement{owner: name.String(), after: ForService(t.opts, c.Node, svc)})
	}
	slices.SortFunc(out, func(a, b replacement) int { return strings.Compare(a.owner, b.owner) })
	return out
}

// HasStale tells whether chains wait to be removed, which a Sync without changes does.
func (t *Table) HasStale() bool { return len(t.staleChains)+len(t.staleSets) > 0 }

// Present checks, without reading rules, that the table is still in the kernel.
// If it is not (somebody flushed the ruleset), the next Sync loads it.
func (t *Table) Present(ctx context.Context) bool {
	if t.rules == nil {
		return false
	}
	tx := t.nft.NewTransaction()
	// Only tried, never done; without a jump, so that the kernel has no chain to follow.
	for _, chain := range []string{chainReject, chainServices, chainNATPrerouting} {
		tx.Add(&knftables.Rule{Chain: chain, Rule: "return"})
	}
	if err := t.nft.Check(ctx, tx); err != nil {
		t.rules = nil
		return false
	}
	return true
}

// write puts a plan into a transaction.
func (t *Table) write(tx *knftables.Transaction, p *Plan) {
	for _, c := range p.AddContainers {
		delete(t.staleSets, c.Name)
		tx.Add(c.object())
	}
	chains := slices.Clone(p.AddChains)
	for _, s := range p.AddShared {
		chains = append(chains, s.chain(t.opts))
	}
	// All chains exist before any rule refers to one.
	for i := range chains {
		delete(t.staleChains, chains[i].Name)
		tx.Add(chains[i].object())
	}
	for i := range chains {
		tx.Flush(&knftables.Chain{Name: chains[i].Name})
		for _, r := range chains[i].Rules {
			tx.Add(&knftables.Rule{Chain: chains[i].Name, Rule: r})
		}
	}
	for i := range p.DeleteElements {
		tx.Delete(p.DeleteElements[i].object(t.rules))
	}
	for i := range p.AddElements {
		tx.Add(p.AddElements[i].object(t.rules))
	}
	t.removeStale(tx, p)
}

// removeStale removes what has been unused long enough and notes what is unused from now on.
func (t *Table) removeStale(tx *knftables.Transaction, p *Plan) {
	now := t.now()
	due := func(m map[string]time.Time) []string {
		var out []string
		for name, since := range m {
			if now.Sub(since) >= staleAfter {
				out = append(out, name)
			}
		}
		slices.Sort(out)
		return out
	}
	dueChains := due(t.staleChains)
	for _, name := range dueChains {
		tx.Flush(&knftables.Chain{Name: name})
	}
	for _, name := range dueChains {
		tx.Delete(&knftables.Chain{Name: name})
		delete(t.staleChains, name)
	}
	for _, name := range due(t.staleSets) {
		// A set can go when the last chain that names it is gone.
		if len(t.staleChains) == 0 {
			tx.Delete(&knftables.Set{Name: name})
			delete(t.staleSets, name)
		}
	}
	for _, name := range p.StaleChains {
		t.staleChains[name] = now
	}
	for _, name := range p.StaleSets {
		t.staleSets[name] = now
	}
}

func (c *Container) object() knftables.Object {
	if c.Value == "" {
		s := &knftables.Set{Name: c.Name, Type: c.Key}
		if c.Timeout > 0 {
			s.Flags = []knftables.SetFlag{knftables.DynamicFlag, knftables.TimeoutFlag}
			s.Timeout = knftables.PtrTo(time.Duration(c.Timeout) * time.Second)
		}
		return s
	}
	if c.TypeOf {
		return &knftables.Map{Name: c.Name, TypeOf: c.Key + " : " + c.Value}
	}
	return &knftables.Map{Name: c.Name, Type: c.Key + " : " + c.Value}
}

func (c *Chain) object() knftables.Object {
	out := &knftables.Chain{Name: c.Name}
	if c.Base != nil {
		out.Type = knftables.PtrTo(knftables.BaseChainType(c.Base.Type))
		out.Hook = knftables.PtrTo(knftables.BaseChainHook(c.Base.Hook))
		out.Priority = knftables.PtrTo(knftables.BaseChainPriority(c.Base.Priority))
	}
	return out
}

func (e *Element) object(r *ruleset) knftables.Object {
	out := &knftables.Element{Key: strings.Split(e.Key, " . ")}
	if r.containers[e.Container].Value == "" {
		out.Set = e.Container
	} else {
		out.Map = e.Container
		out.Value = strings.Split(e.Value, " . ")
	}
	if e.Comment != "" {
		out.Comment = knftables.PtrTo(e.Comment)
	}
	return out
}
