package ctbattest

import (
	"context"
	"fmt"
	"io"

	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"tiphys.dev/tiphys/pkg/apiserver/admission/certificates/signers"
)

// PluginName is the plugin's name.
const PluginName = "ClusterTrustBundleAttest"

// Plugin checks who acts in the name of a signer.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsAuthorizer   = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}, nil
	})
}

// SetAuthorizer implements initializer.WantsAuthorizer.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil {
		return fmt.Errorf("%s needs an authorizer", PluginName)
	}
	return nil
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetSubresource() != "" || a.GetResource().GroupResource() != certificatesv1beta1.Resource("clustertrustbundles") {
		return nil
	}
	// What changes nothing needs no permission, so that the garbage collector and migrations may write bundles.
	if a.GetOperation() == admission.Update && apiequality.Semantic.DeepEqual(a.GetOldObject(), a.GetObject()) {
		return nil
	}
	var signer string
	switch o := a.GetObject().(type) {
	case *certificatesv1beta1.ClusterTrustBundle:
		signer = o.Spec.SignerName
	case *certificatesv1alpha1.ClusterTrustBundle:
		signer = o.Spec.SignerName
	default:
		return admission.NewForbidden(a, fmt.Errorf("expected type ClusterTrustBundle, got: %T", a.GetObject()))
	}
	// A bundle that is no signer's is free.
	if signer == "" {
		return nil
	}
	if !signers.Allowed(ctx, p.authorizer, a.GetUserInfo(), "attest", signer) {
		return admission.NewForbidden(a, fmt.Errorf("user not permitted to attest for signerName %q", signer))
	}
	return nil
}
