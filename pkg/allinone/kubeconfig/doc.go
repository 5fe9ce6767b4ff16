// Package kubeconfig writes the credential files of components and people.
//
// Write makes a file for one component: one cluster, user and context, certificates embedded,
// readable by its owner only. Merge adds a context to the file kubectl reads (KUBECONFIG, else
// ~/.kube/config) under clientcmd's file lock, and Remove takes it out again; neither touches any
// other entry.
package kubeconfig
