// Package controllermanager runs the controllers of the cluster in one process.
//
// catalog.go is the one list: upstream's name of each controller, the service account it acts as, whether it is on by
// default, and how it is built. A name without a builder is not built yet; Run says so in the log.
//
//	m, err := controllermanager.New(controllermanager.Config{Clients: …, Settings: controllermanager.DefaultSettings()})
//	err = m.Run(ctx)       // blocks; a controller that fails is started again alone
//	<-m.Ready()            // its caches are filled
//
// All controllers share one informer factory, whose objects have lost their managedFields. Leader election, the HTTPS
// endpoint and flags are the caller's (cmd/kube-controller-manager, pkg/allinone). After Run has ended a new Manager is built
// for the next term; with Config.Informers the factory may outlive it.
package controllermanager
