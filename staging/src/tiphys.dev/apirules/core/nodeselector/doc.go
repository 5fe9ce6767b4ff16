// Package nodeselector holds the rules of node selectors: terms of label and field requirements that pick nodes. Pods,
// persistent volumes and resource slices use them.
package nodeselector
