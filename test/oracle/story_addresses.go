package oracle

import "fmt"

// addresses changes services in ways that touch what a server gave them, and asks for families that the cluster has not.
func addresses() story {
	const services = namespaced + "services"
	made := func(name, spec string) step {
		return post("creates "+name, services, fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":%q},"spec":{%s"ports":[{"port":80}]}}`, name, spec)).silent()
	}
	var steps []step
	for _, s := range []struct{ name, spec string }{
		{"plain", ``}, {"headless", `"clusterIP":"None","selector":{"a":"b"},`}, {"selectorless", `"clusterIP":"None",`}, {"named", `"type":"ExternalName","externalName":"a.b",`},
	} {
		for i, patch := range []string{
			`{"clusterIP":"192.0.2.1"}`, `{"clusterIP":"10.96.0.1"}`, `{"clusterIP":"192.0.2.1","sessionAffinity":"x"}`, `{"clusterIP":"192.0.2.1","clusterIPs":["192.0.2.1"]}`,
			`{"clusterIP":"192.0.2.1","type":"NodePort","ports":[{"port":80,"nodePort":99}]}`, `{"clusterIP":"","clusterIPs":null}`, `{"clusterIP":"None"}`,
			`{"clusterIP":"192.0.2.1","ipFamilies":["IPv4","IPv6"]}`, `{"ipFamilies":["IPv6"]}`, `{"ipFamilies":["IPv6"],"ipFamilyPolicy":"RequireDualStack"}`, `{"ipFamilyPolicy":"PreferDualStack"}`,
			`{"ipFamilyPolicy":"RequireDualStack","sessionAffinity":"x"}`, `{"internalTrafficPolicy":"Local"}`, `{"selector":{"c":"d"}}`, `{"selector":null}`,
			`{"type":"ClusterIP","clusterIP":"192.0.2.1","sessionAffinity":"x"}`, `{"type":"ClusterIP","clusterIP":"10.96.0.98"}`, `{"type":"NodePort"}`, `{"type":"LoadBalancer","externalTrafficPolicy":"Local"}`,
			`{"type":"ExternalName","externalName":"a.b"}`, `{"type":"ExternalName","externalName":"a.b","clusterIP":"192.0.2.1"}`, `{"type":"ExternalName","externalName":"a.b","ipFamilies":["IPv6"]}`,
			`{"type":"ExternalName","externalName":"a.b","ipFamilyPolicy":"PreferDualStack"}`, `{"type":"ExternalName","externalName":"a.b","internalTrafficPolicy":"Local"}`,
			`{"type":"ExternalName","externalName":"a.b","internalTrafficPolicy":"odd"}`, `{"internalTrafficPolicy":"odd"}`,
		} {
			name := fmt.Sprintf("%s-%d", s.name, i)
			steps = append(steps, made(name, s.spec), strategic(s.name+" "+patch, services+"/"+name, `{"spec":`+patch+`}`), drop("deletes "+name, services+"/"+name).silent())
		}
	}
	const q = "?dryRun=All"
	for _, spec := range []string{
		`"ipFamilies":["IPv4","IPv6"]`, `"clusterIPs":["10.96.0.9","fd00::1"],"clusterIP":"10.96.0.9"`, `"ipFamilyPolicy":"SingleStack","clusterIPs":["10.96.0.9","fd00::1"],"clusterIP":"10.96.0.9"`,
		`"ipFamilyPolicy":"SingleStack","clusterIPs":["10.96.0.9","fd00::1"],"clusterIP":"10.96.0.9","ipFamilies":["IPv4","IPv6"]`, `"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv6"]`,
		`"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv6","IPv4"]`, `"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv6","IPv4"]`, `"ipFamilies":["IPv6"],"clusterIP":"10.96.0.9"`,
		`"ipFamilies":["IPv6"],"clusterIP":"None"`, `"ipFamilies":["IPv6"],"clusterIP":"None","selector":{"a":"b"}`, `"ipFamilyPolicy":"RequireDualStack","clusterIP":"None","selector":{"a":"b"}`,
		`"ipFamilyPolicy":"SingleStack","clusterIP":"None"`, `"ipFamilyPolicy":"PreferDualStack","clusterIP":"None"`, `"type":"ExternalName","externalName":"a.b","internalTrafficPolicy":"Local"`, `"type":"ExternalName","externalName":"a.b","internalTrafficPolicy":"odd"`,
		`"ipFamilyPolicy":"RequireDualStack","sessionAffinity":"x"`, `"clusterIP":"fd00::5"`, `"ipFamilyPolicy":"RequireDualStack","clusterIP":"fd00::5"`, `"ipFamilies":["IPv4"],"clusterIP":"fd00::5"`,
	} {
		steps = append(steps, post("tries "+spec, services+q, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"tried"},"spec":{`+spec+`,"ports":[{"port":80}]}}`))
	}
	return story{"Addresses", steps}
}
