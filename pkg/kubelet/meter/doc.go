// Package meter keeps what the kubelet tells of itself at /metrics, under upstream's names. The rooms do not know it: they call functions
// that are set from here.
//
// Who may import it: the kubelet's own package only.
package meter
