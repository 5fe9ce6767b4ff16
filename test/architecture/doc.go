// Package architecture holds the house rules as tests: who may import whom, that every package says what it is for, and the
// shapes of folders. A failing rule names its reason. The rules are explained in docs/architecture.md.
package architecture
