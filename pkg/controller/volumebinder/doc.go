// Package volumebinder binds PersistentVolumeClaims to PersistentVolumes and reclaims volumes whose claim is gone.
//
// A binding has two halves that point at each other, written in this order, so that a stop in between is finished by the next sync:
//
//	volume.spec.claimRef -> volume.status Bound -> claim.spec.volumeName (+ bind-completed) -> claim.status Bound
//
// The volume's half decides: a write to it that meets a newer version fails, so two claims never get one volume. A claim that
// finds no volume asks the provisioner of its class by an annotation; this controller provisions nothing itself. A claim of a
// class with WaitForFirstConsumer waits until the scheduler has chosen a node, or bound a volume in advance.
//
// When the claim of a volume is gone the volume is Released, then by its policy kept (Retain), left to its provisioner or failed
// when there is none (Delete), or scrubbed by a pod and Available again (Recycle: NFS and hostPath).
//
// Both caches are overlaid with the controller's own writes: a sync that looked at the state before them would bind a second volume.
package volumebinder
