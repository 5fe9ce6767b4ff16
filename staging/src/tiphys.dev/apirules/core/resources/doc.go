// Package resources tells which names of resources (cpu, memory, hugepages-2Mi, example.com/gpu ...) may be used
// where, and whether an amount suits its name. Pods, quotas, limit ranges and nodes all ask it.
package resources
