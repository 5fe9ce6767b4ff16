package services

// topology returns the endpoints that the hints assign to this node. Hints are
// used only when they are complete: with one ready endpoint without a hint, or
// none meant for here, the control plane has not finished (or cannot) spread them,
// and following the rest would overload somebody. A hint for nodes is closer than one for zones.
func topology(all []endpoint, node Node) []endpoint {
	nodeHints, zoneHints := true, node.Zone != ""
	forNode, forZone := false, false
	ready := 0
	for _, e := range all {
		if !e.ready {
			continue
		}
		ready++
		if len(e.nodes) == 0 {
			nodeHints = false
		}
		if len(e.zones) == 0 {
			zoneHints = false
		}
		forNode = forNode || e.forNode(node.Name)
		forZone = forZone || e.forZone(node.Zone)
	}
	switch {
	case ready == 0:
		return all
	case nodeHints && forNode:
		return keep(all, func(e endpoint) bool { return e.forNode(node.Name) })
	case zoneHints && forZone:
		return keep(all, func(e endpoint) bool { return e.forZone(node.Zone) })
	}
	return all
}

func (e endpoint) forNode(name string) bool {
	for _, h := range e.nodes {
		if h.Name == name {
			return true
		}
	}
	return false
}

func (e endpoint) forZone(zone string) bool {
	for _, h := range e.zones {
		if h.Name == zone {
			return true
		}
	}
	return false
}

func keep(all []endpoint, want func(endpoint) bool) []endpoint {
	var out []endpoint
	for _, e := range all {
		if want(e) {
			out = append(out, e)
		}
	}
	return out
}
