// Package clusterrole fills the rules of ClusterRoles that have an aggregationRule with those of the roles it selects.
package clusterrole
