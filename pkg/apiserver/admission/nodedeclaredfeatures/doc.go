// Package nodedeclaredfeatures refuses updates of a pod that need something its node has not declared it can do. See KEP-5328.
package nodedeclaredfeatures
