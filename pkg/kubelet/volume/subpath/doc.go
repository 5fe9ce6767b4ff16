// Package subpath binds a part of a volume for one container, so that nothing a container can do to the volume's content
// makes the kubelet hand out something outside of it.
//
// A path is first read with its links, as the container would see it, and must lead to somewhere inside the volume. Then it
// is opened again component by component with links forbidden (openat2), and what was opened, not the name, is bound to
// <pod>/volume-subpaths/<volume>/<container>/<index>. Whoever swaps a directory for a link between the two steps makes the
// second one fail.
package subpath
