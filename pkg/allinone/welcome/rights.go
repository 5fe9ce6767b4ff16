package welcome

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"

	"tiphys.dev/tiphys/pkg/allinone/jointoken"
)

type (
	role               = rbacv1.Role
	roleBinding        = rbacv1.RoleBinding
	clusterRole        = rbacv1.ClusterRole
	clusterRoleBinding = rbacv1.ClusterRoleBinding
)

// nodesGroup is what every kubelet's certificate is of.
const nodesGroup = "system:nodes"

// rights are kubeadm's roles and bindings for joining, under its names.
func rights() []runtime.Object {
	bootstrappers := group(jointoken.Group)
	nodes := group(nodesGroup)
	return []runtime.Object{
		bindCluster("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", bootstrappers),
		bindCluster("kubeadm:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", bootstrappers),
		bindCluster("kubeadm:node-autoapprove-certificate-rotation", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", nodes),
		// To see whether a name is taken.
		&clusterRole{ObjectMeta: metav1.ObjectMeta{Name: "kubeadm:get-nodes"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get"}}}},
		bindCluster("kubeadm:get-nodes", "kubeadm:get-nodes", bootstrappers),
		readMap(metav1.NamespacePublic, "kubeadm:bootstrap-signer-clusterinfo", bootstrapapi.ConfigMapClusterInfo),
		bind(metav1.NamespacePublic, "kubeadm:bootstrap-signer-clusterinfo", user("system:anonymous")),
		readMap(metav1.NamespaceSystem, "kubeadm:kubelet-config", KubeletMap),
		bind(metav1.NamespaceSystem, "kubeadm:kubelet-config", nodes, bootstrappers),
		readMap(metav1.NamespaceSystem, "kube-proxy", ProxyMap),
		bind(metav1.NamespaceSystem, "kube-proxy", nodes, bootstrappers),
	}
}

func group(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}
}

func user(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

func bindCluster(name, to string, subjects ...rbacv1.Subject) runtime.Object {
	return &clusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: to}}
}

func readMap(namespace, name, configMap string) runtime.Object {
	return &role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{configMap}, Verbs: []string{"get"}}}}
}

// bind gives the role of the same name.
func bind(namespace, name string, subjects ...rbacv1.Subject) runtime.Object {
	return &roleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}}
}
