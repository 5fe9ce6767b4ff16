package openapi

import (
	"net/http"
	"time"

	"github.com/emicklei/go-restful/v3"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/utils/clock"
)

// idle is how long documents are kept after the last request for them.
const idle = 5 * time.Minute

// The paths of the documents.
const (
	v2Path = "/openapi/v2"
	v3Path = "/openapi/v3"
)

// InstallLocal lets a server of the chain publish the documents of its own routes, for the aggregator to merge. The server
// must have been built with SkipOpenAPIInstallation.
func InstallLocal(server *genericapiserver.GenericAPIServer, v2 *common.Config, v3 *common.OpenAPIV3Config) {
	container := server.Handler.GoRestfulContainer
	install(server, &onDemand{idle: idle, clock: clock.RealClock{}, build: func() (http.Handler, error) {
		return local(container, v2, v3), nil
	}})
}

func local(container *restful.Container, v2 *common.Config, v3 *common.OpenAPIV3Config) http.Handler {
	m := mux.NewPathRecorderMux("openapi")
	routes.OpenAPI{Config: v2}.InstallV2(container, m)
	routes.OpenAPI{V3Config: v3}.InstallV3(container, m)
	return m
}

// install puts a handler of all documents into a server.
func install(server *genericapiserver.GenericAPIServer, handler *onDemand) {
	m := server.Handler.NonGoRestfulMux
	m.Handle(v2Path, handler)
	m.Handle(v3Path, handler)
	m.HandlePrefix(v3Path+"/", handler)
	server.RegisterDestroyFunc(handler.close)
}
