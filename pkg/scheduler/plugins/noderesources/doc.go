// Package noderesources holds the two plugins about compute resources: NodeResourcesFit refuses nodes without room and
// scores by how full they would be; NodeResourcesBalancedAllocation prefers nodes whose resources would be used evenly.
package noderesources
