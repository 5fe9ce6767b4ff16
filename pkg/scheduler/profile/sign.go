package profile

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// collectSigners finds out whether pods can be signed at all: every plugin that takes part in the decision must sign.
func (p *Profile) collectSigners() {
	deciding := map[string]fwk.Plugin{}
	for _, plugin := range p.preFilter {
		deciding[plugin.Name()] = plugin
	}
	for _, plugin := range p.filter {
		deciding[plugin.Name()] = plugin
	}
	for _, plugin := range p.preScore {
		deciding[plugin.Name()] = plugin
	}
	for _, plugin := range p.score {
		deciding[plugin.Name()] = plugin
	}
	names := make([]string, 0, len(deciding))
	for name := range deciding {
		names = append(names, name)
	}
	sort.Strings(names)
	p.signable, p.localSignable = true, true
	for _, name := range names {
		signer, ok := deciding[name].(fwk.SignPlugin)
		if !ok {
			p.signable = false
			if p.local[name] {
				p.localSignable = false
			}
			continue
		}
		p.signers = append(p.signers, signer)
	}
}

// SignPod combines what all plugins say of the pod; nil when some plugin does not sign it.
func (p *Profile) SignPod(ctx context.Context, pod *v1.Pod) fwk.PodSignature {
	if !p.signable {
		return nil
	}
	return p.sign(ctx, pod, false)
}

// SignLocal combines what the Local plugins say: pods that agree in it get the same verdicts of those plugins.
func (p *Profile) SignLocal(ctx context.Context, pod *v1.Pod) string {
	if !p.localSignable || len(p.local) == 0 {
		return ""
	}
	return string(p.sign(ctx, pod, true))
}

func (p *Profile) sign(ctx context.Context, pod *v1.Pod, localOnly bool) fwk.PodSignature {
	type part struct {
		key   string
		value any
	}
	parts := make([]part, 0, 16)
	for _, signer := range p.signers {
		if localOnly && !p.local[signer.Name()] {
			continue
		}
		fragments, status := signer.SignPod(ctx, pod)
		if !status.IsSuccess() {
			return nil
		}
	next:
		for _, fragment := range fragments {
			for i := range parts {
				if parts[i].key == fragment.Key {
					continue next
				}
			}
			parts = append(parts, part{fragment.Key, fragment.Value})
		}
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].key < parts[j].key })
	out := make([]byte, 0, 256)
	for i := range parts {
		out = append(out, parts[i].key...)
		out = append(out, '=')
		var err error
		if out, err = appendValue(out, parts[i].value); err != nil {
			return nil
		}
		out = append(out, '\n')
	}
	return out
}

// appendValue writes the common kinds of values without the cost of general JSON.
func appendValue(out []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case string:
		return fmt.Appendf(out, "%q", v), nil
	case []string:
		if len(v) == 0 {
			return append(out, "[]"...), nil
		}
	case []int32:
		if len(v) == 0 {
			return append(out, "[]"...), nil
		}
	case []v1.Toleration:
		for i := range v {
			t := &v[i]
			out = fmt.Appendf(out, "%q,%q,%q,%q;", t.Key, t.Operator, t.Value, t.Effect)
		}
		return out, nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return append(out, encoded...), nil
}
