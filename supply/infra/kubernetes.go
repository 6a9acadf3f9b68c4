package infra

import (
	"strings"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// kubernetes looks into one object.
func (f *finder) kubernetes(doc yamltree.Node) {
	kind := doc.Get("kind").Text()
	switch kind {
	case "List":
		for _, item := range doc.Get("items").Items() {
			f.kubernetes(item)
		}
	case "Pod":
		f.pod(doc.Get("spec"), doc)
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController":
		f.pod(doc.Get("spec", "template", "spec"), doc)
	case "CronJob":
		f.pod(doc.Get("spec", "jobTemplate", "spec", "template", "spec"), doc)
	case "Role", "ClusterRole":
		f.role(doc)
	case "RoleBinding", "ClusterRoleBinding":
		f.binding(doc)
	case "Ingress":
		if !doc.Get("spec", "tls").Exists() && doc.Get("spec").Exists() {
			f.Add(noTLS(), doc.Key("spec").Line(), "the ingress has no TLS")
		}
	case "Secret":
		f.secret(doc)
	case "ConfigMap":
		f.environment(doc.Get("data"))
	}
}

// pod looks at what a pod's containers may do (kubernetes.io, "Pod Security Standards").
func (f *finder) pod(spec, doc yamltree.Node) {
	if !spec.IsMap() {
		return
	}
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if v := spec.Get(key); v.True() {
			f.Add(hostAccess(), v.Line(), "the pod has the host's (%s)", key)
		}
	}
	for _, v := range spec.Get("volumes").Items() {
		if p := v.Get("hostPath"); p.Exists() {
			f.Add(hostAccess(), p.Line(), "the pod has a folder of the host")
		}
	}
	if !spec.Get("automountServiceAccountToken").False() && !spec.Get("serviceAccountName").IsText() {
		f.Add(accountToken(), doc.Get("kind").Line(), "the pod holds the token of the default account")
	}
	for _, key := range []string{"initContainers", "containers"} {
		for _, c := range spec.Get(key).Items() {
			f.container(c, spec.Get("securityContext"))
		}
	}
}

func (f *finder) container(c, pod yamltree.Node) {
	name, line, own := c.Get("name").Text(), c.Line(), c.Get("securityContext")
	if image := c.Get("image"); !pinned(image.Text()) {
		f.Add(unpinnedImage(), image.Line(), "the image %s has no version", image.Text())
	}
	if p := own.Get("privileged"); p.True() {
		f.Add(privileged(), p.Line(), "%s is privileged", name)
	}
	for _, a := range own.Get("capabilities", "add").Items() {
		if a.Is("ALL") || a.Is("SYS_ADMIN") || a.Is("NET_ADMIN") || a.Is("SYS_PTRACE") {
			f.Add(privileged(), a.Line(), "%s gets %s", name, a.Text())
		}
	}
	nonRoot := own.Get("runAsNonRoot")
	if !nonRoot.Exists() {
		nonRoot = pod.Get("runAsNonRoot")
	}
	if user := own.Get("runAsUser"); !nonRoot.True() || user.Is("0") {
		f.Add(rootUser(), max(line, user.Line()), "%s may run as root (runAsNonRoot)", name)
	}
	if !own.Get("readOnlyRootFilesystem").True() {
		f.Add(writable(), line, "%s may write its file system (readOnlyRootFilesystem)", name)
	}
	drops := false
	for _, d := range own.Get("capabilities", "drop").Items() {
		drops = drops || d.Is("ALL")
	}
	if !drops || !own.Get("allowPrivilegeEscalation").False() {
		f.Add(unconfined(), line, "%s keeps capabilities, or may gain privileges", name)
	}
	if !c.Get("resources", "limits", "memory").Exists() {
		f.Add(unlimited(), line, "%s has no limit of memory", name)
	}
	for _, e := range c.Get("env").Items() {
		if v := e.Get("value"); secretName(e.Get("name").Text()) && secretValue(v.Text()) {
			f.Add(literalSecret(), v.Line(), "the value of %s is written out", e.Get("name").Text())
		}
	}
}

func has(list yamltree.Node, text string) bool {
	for _, item := range list.Items() {
		if item.Text() == text {
			return true
		}
	}
	return false
}

func (f *finder) role(doc yamltree.Node) {
	for _, r := range doc.Get("rules").Items() {
		if has(r.Get("verbs"), "*") && has(r.Get("resources"), "*") || has(r.Get("verbs"), "*") && has(r.Get("apiGroups"), "*") {
			f.Add(clusterWide(), r.Line(), "the role may do everything")
		}
		if has(r.Get("resources"), "secrets") && (has(r.Get("verbs"), "list") || has(r.Get("verbs"), "*")) && doc.Get("kind").Is("ClusterRole") {
			f.Add(clusterWide(), r.Line(), "the role reads every secret of the cluster")
		}
	}
}

func (f *finder) binding(doc yamltree.Node) {
	if r := doc.Get("roleRef", "name"); r.Is("cluster-admin") {
		f.Add(clusterWide(), r.Line(), "the binding gives everything (cluster-admin)")
	}
	for _, s := range doc.Get("subjects").Items() {
		switch name := s.Get("name"); name.Text() {
		case "system:anonymous", "system:unauthenticated":
			f.Add(anonymousRights(), name.Line(), "%s has rights", name.Text())
		case "system:authenticated":
			f.Add(clusterWide(), name.Line(), "every account has the role")
		}
	}
}

// secret looks at a Secret that stands in the repository. Sealed and encrypted ones are of other kinds.
func (f *finder) secret(doc yamltree.Node) {
	if doc.Get("sops").Exists() {
		return
	}
	for _, key := range []string{"data", "stringData"} {
		for name, v := range doc.Get(key).Members() {
			if secretValue(strings.TrimSpace(v.Text())) {
				f.Add(literalSecret(), v.Line(), "the value of %s is written out", name)
			}
		}
	}
}
