package oracle

import "fmt"

const (
	pods     = namespaced + "pods"
	bindings = namespaced + "bindings"
)

func podBody(name, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"labels":{"app":%q}},"spec":%s}`, name, name, spec)
}

func binding(name, target string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Binding","metadata":{"name":%q,"annotations":{"bound":"yes"},"labels":{"l":"m"}},"target":%s}`, name, target)
}

func gone(path string) step { return drop("", path+"?gracePeriodSeconds=0").silent() }

// podSubresources binds a pod and gives it ephemeral containers.
func podSubresources() story {
	p := pods + "/bound"
	const image = `{"containers":[{"name":"c","image":"i:1"}]}`
	ephemeral := func(name, list string) step {
		return strategic(name, p+"/ephemeralcontainers", `{"spec":{"ephemeralContainers":[`+list+`]}}`)
	}
	return story{"Pod subresources", []step{
		gone(p), gone(pods + "/gated"),
		post("create", pods, podBody("bound", image)),
		get("log of an unbound pod", p+"/log"),
		get("log, bad options", p+"/log?tailLines=-1"), get("log, unknown container", p+"/log?container=x"), get("log, stream", p+"/log?stream=Stdout"), get("log, odd stream", p+"/log?stream=odd"), get("log, odd time", p+"/log?sinceTime=x"), get("exec, nothing", p+"/exec"), get("exec, command", p+"/exec?command=a"), get("attach, nothing", p+"/attach"), get("attach, another container", p+"/attach?container=x&stdout=1"), get("forward, nothing", p+"/portforward"), get("proxy", p+"/proxy/x"),
		get("exec without upgrade", p+"/exec?command=x"), get("attach", p+"/attach"), get("portforward", p+"/portforward"),
		get("binding is not read", p+"/binding"), get("eviction is not read", p+"/eviction"),
		post("bind without target", p+"/binding", binding("bound", `{}`)),
		post("bind to a pod", p+"/binding", binding("bound", `{"kind":"Pod","name":"n"}`)),
		post("bind to nothing", p+"/binding", binding("bound", `{"kind":"Node","name":""}`)),
		post("bind another", p+"/binding", binding("other", `{"kind":"Node","name":"n"}`)),
		post("bind a missing pod", pods+"/missing/binding", binding("missing", `{"kind":"Node","name":"n"}`)),
		post("bind, tried", p+"/binding?dryRun=All", binding("bound", `{"kind":"Node","name":"n"}`)),
		post("bind", p+"/binding", binding("bound", `{"kind":"Node","name":"n"}`)),
		get("bound", p), get("bound table", p).showing(table),
		post("bind again", p+"/binding", binding("bound", `{"kind":"Node","name":"m"}`)),
		post("bind by the collection", bindings, binding("bound", `{"kind":"Node","name":"m"}`)),
		post("create gated", pods, podBody("gated", `{"schedulingGates":[{"name":"a.b/c"}],"containers":[{"name":"c","image":"i:1"}]}`)),
		post("bind gated", pods+"/gated/binding", binding("gated", `{"kind":"Node","name":"n"}`)),
		merge("second gate", pods+"/gated", `{"spec":{"schedulingGates":[{"name":"a.b/c"},{"name":"a.b/d"}]}}`),
		merge("selector of gated", pods+"/gated", `{"spec":{"nodeSelector":{"a":"b"}}}`),
		merge("other selector of gated", pods+"/gated", `{"spec":{"nodeSelector":{"a":"c"}}}`),
		merge("ungated", pods+"/gated", `{"spec":{"schedulingGates":null}}`),
		merge("selector of ungated", pods+"/gated", `{"spec":{"nodeSelector":{"b":"c"}}}`),
		get("ephemeral containers", p+"/ephemeralcontainers"),
		ephemeral("ephemeral without image", `{"name":"e"}`), ephemeral("ephemeral named as another", `{"name":"c","image":"i"}`),
		ephemeral("ephemeral with ports", `{"name":"e","image":"i","ports":[{"containerPort":1}]}`),
		ephemeral("ephemeral with resources", `{"name":"e","image":"i","resources":{"requests":{"cpu":"1"}}}`),
		ephemeral("ephemeral with probe", `{"name":"e","image":"i","livenessProbe":{"exec":{"command":["x"]}}}`),
		ephemeral("ephemeral with target", `{"name":"e","image":"i","targetContainerName":"none"}`),
		ephemeral("ephemeral with restart policy", `{"name":"e","image":"i","restartPolicy":"Always"}`),
		ephemeral("ephemeral", `{"name":"e","image":"i","targetContainerName":"c"}`),
		ephemeral("ephemeral changed", `{"name":"e","image":"other"}`), ephemeral("second", `{"name":"f","image":"i"}`),
		merge("ephemeral removed", p+"/ephemeralcontainers", `{"spec":{"ephemeralContainers":null}}`),
		merge("image by ephemeral", p+"/ephemeralcontainers", `{"spec":{"containers":[{"name":"c","image":"x"}]}}`),
		merge("label by ephemeral", p+"/ephemeralcontainers", `{"metadata":{"labels":{"by":"ephemeral"}}}`),
		get("after", p), gone(p), gone(pods + "/gated"),
	}}
}

func resizeSteps(p string, list [][2]string) []step {
	var out []step
	for _, c := range list {
		out = append(out, strategic("resize, tried: "+c[0], p+"/resize?dryRun=All", c[1]), strategic("resize: "+c[0], p+"/resize", c[1]))
	}
	return out
}

// podResizes changes resources of running containers.
func podResizes() story {
	p := pods + "/sized"
	one := func(name, resources string) [2]string {
		return [2]string{name, `{"spec":{"containers":[{"name":"c","resources":` + resources + `}]}}`}
	}
	steps := []step{
		gone(p),
		post("create", pods, podBody("sized", `{"containers":[{"name":"c","image":"i:1","resources":{"requests":{"cpu":"100m","memory":"1Gi"},"limits":{"cpu":"200m","memory":"2Gi"}},
			"resizePolicy":[{"resourceName":"cpu","restartPolicy":"NotRequired"}]},{"name":"d","image":"i:1"}],
			"initContainers":[{"name":"i","image":"i:1","resources":{"requests":{"cpu":"10m"}}},{"name":"s","image":"i:1","restartPolicy":"Always","resources":{"requests":{"cpu":"10m"}}}]}`)),
		get("read", p+"/resize"),
		merge("resources by the pod", p, `{"spec":{"containers":[{"name":"c","image":"i:1","resources":{"requests":{"cpu":"150m"}}},{"name":"d","image":"i:1"}]}}`),
	}
	steps = append(steps, resizeSteps(p, [][2]string{
		one("nothing", `{}`), one("more cpu", `{"requests":{"cpu":"150m"}}`), one("request over limit", `{"requests":{"cpu":"1"}}`),
		one("limit", `{"limits":{"cpu":"300m"}}`), one("less memory", `{"limits":{"memory":"1500Mi"}}`), one("negative", `{"requests":{"cpu":"-1"}}`),
		one("storage", `{"requests":{"ephemeral-storage":"1Gi"}}`), one("extended", `{"requests":{"a.b/c":"1"},"limits":{"a.b/c":"1"}}`),
		one("hugepages", `{"requests":{"hugepages-2Mi":"2Mi"},"limits":{"hugepages-2Mi":"2Mi"}}`),
		one("no limit", `{"limits":{"cpu":null}}`), one("no request", `{"requests":{"cpu":null}}`), one("guaranteed", `{"requests":{"cpu":"200m","memory":"2Gi"}}`),
		one("claims", `{"claims":[{"name":"x"}]}`),
		{"second container", `{"spec":{"containers":[{"name":"d","resources":{"requests":{"cpu":"1m"}}}]}}`},
		{"new container", `{"spec":{"containers":[{"name":"new","image":"i:1"}]}}`},
		{"init container", `{"spec":{"initContainers":[{"name":"i","resources":{"requests":{"cpu":"20m"}}}]}}`},
		{"sidecar", `{"spec":{"initContainers":[{"name":"s","resources":{"requests":{"cpu":"20m"}}}]}}`},
		{"policy", `{"spec":{"containers":[{"name":"c","resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]}]}}`},
		{"image", `{"spec":{"containers":[{"name":"c","image":"other"}]}}`},
		{"label", `{"metadata":{"labels":{"by":"resize"}}}`},
		{"status", `{"status":{"phase":"Failed"}}`},
		{"grace", `{"spec":{"terminationGracePeriodSeconds":7}}`},
		{"pod level", `{"spec":{"resources":{"requests":{"cpu":"2"}}}}`},
	})...)
	return story{"Pod resizes", append(steps, get("after", p), gone(p))}
}

// podLevelResizes changes what a pod as a whole may use.
func podLevelResizes() story {
	p := pods + "/whole"
	whole := func(name, resources string) [2]string {
		return [2]string{name, `{"spec":{"resources":` + resources + `}}`}
	}
	steps := []step{
		gone(p),
		post("create", pods, podBody("whole", `{"resources":{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"2","memory":"2Gi"}},"containers":[{"name":"c","image":"i:1","resources":{"requests":{"cpu":"100m"}}}]}`)),
		post("limits only", pods+"?dryRun=All", podBody("x", `{"resources":{"limits":{"cpu":"2"}},"containers":[{"name":"c","image":"i:1"}]}`)),
		post("containers' limits", pods+"?dryRun=All", podBody("x", `{"resources":{"limits":{"cpu":"2"}},"containers":[{"name":"c","image":"i:1","resources":{"limits":{"cpu":"1"}}}]}`)),
		post("unsupported", pods+"?dryRun=All", podBody("x", `{"resources":{"requests":{"a.b/c":"1"}},"containers":[{"name":"c","image":"i:1"}]}`)),
		post("hugepages", pods+"?dryRun=All", podBody("x", `{"resources":{"requests":{"cpu":"1","hugepages-2Mi":"2Mi"},"limits":{"hugepages-2Mi":"2Mi"}},"containers":[{"name":"c","image":"i:1"}]}`)),
		merge("by the pod", p, `{"spec":{"resources":{"requests":{"cpu":"1500m"}}}}`),
	}
	steps = append(steps, resizeSteps(p, [][2]string{
		whole("more cpu", `{"requests":{"cpu":"1500m"}}`), whole("over the limit", `{"requests":{"cpu":"5"}}`), whole("limit", `{"limits":{"cpu":"3"}}`),
		whole("below the containers", `{"requests":{"cpu":"50m"}}`), whole("less memory", `{"limits":{"memory":"1500Mi"}}`), whole("no limit", `{"limits":{"cpu":null}}`),
		whole("no request", `{"requests":{"cpu":null}}`), whole("other class", `{"requests":{"cpu":"3","memory":"2Gi"}}`), whole("storage", `{"requests":{"ephemeral-storage":"1Gi"}}`),
		{"container", `{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"200m"}}}]}}`},
		{"container over the pod", `{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"20"}}}]}}`},
		{"none", `{"spec":{"resources":null}}`},
	})...)
	return story{"Pod resizes as a whole", append(steps, get("after", p), gone(p))}
}

// evictions asks pods to go.
func evictions() story {
	p, budget := pods+"/leaving", "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
	evict := func(name, body string) step { return post(name, p+"/eviction", body) }
	const head = `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"leaving"}`
	return story{"Pod evictions", []step{
		gone(p), gone(budget + "/keep"),
		post("create", pods, podBody("leaving", `{"nodeName":"n","containers":[{"name":"c","image":"i:1"}]}`)),
		post("evict missing", pods+"/missing/eviction", `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"missing"}}`),
		evict("other name", `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"other"}}`), evict("no name", `{"apiVersion":"policy/v1","kind":"Eviction"}`),
		evict("other kind", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"leaving"}}`), evict("old version", `{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"leaving"}}`),
		evict("other uid", head+`,"deleteOptions":{"preconditions":{"uid":"x"}}}`),
		post("tried", p+"/eviction?dryRun=All", head+`}`), evict("tried by options", head+`,"deleteOptions":{"dryRun":["All"]}}`), evict("bad options", head+`,"deleteOptions":{"dryRun":["Odd"]}}`),
		post("budget", budget, `{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"keep"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"leaving"}}}}`),
		evict("held by a budget not seen", head+`}`),
		merge("budget seen", budget+"/keep/status", `{"status":{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}`),
		merge("pod ready", p+"/status", `{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`),
		evict("held", head+`}`),
		merge("budget allows", budget+"/keep/status", `{"status":{"disruptionsAllowed":1}}`),
		post("tried with budget", p+"/eviction?dryRun=All", head+`}`),
		evict("let go", head+`,"deleteOptions":{"gracePeriodSeconds":5}}`),
		get("going", p), get("budget after", budget+"/keep"), evict("again", head+`}`),
		gone(p), gone(budget + "/keep"),
	}}
}
