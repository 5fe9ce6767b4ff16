// Package always holds the two plugins that ask nothing: AlwaysAdmit lets every request pass and AlwaysDeny none. Both are deprecated
// upstream and of use in tests only.
package always
