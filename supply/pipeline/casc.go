package pipeline

import (
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// casc looks at Jenkins configuration as code (jenkinsci/configuration-as-code-plugin). What a part file
// leaves out may stand in another: what is absent counts only where the file sets up the controller's security
// or its executors at all.
func (f *finder) casc(doc yamltree.Node) {
	jenkins := doc.Get("jenkins")
	if !jenkins.IsMap() && !doc.Get("credentials").IsMap() && !doc.Get("unclassified").IsMap() {
		return // some other file
	}
	if jenkins.IsMap() {
		f.controller(doc, jenkins)
	}
	f.cascCredentials(doc.Get("credentials"))
	f.cascRest(doc)
}

func (f *finder) controller(doc, jenkins yamltree.Node) {
	at := doc.Key("jenkins").Line()
	realm, strategy := jenkins.Get("securityRealm"), jenkins.Get("authorizationStrategy")
	if !realm.Exists() {
		f.Add(openServer(), at, "no security realm is set: nobody has to sign in")
	}
	if realm.Get("local", "allowsSignup").True() {
		f.Add(openServer(), realm.Get("local", "allowsSignup").Line(), "whoever comes may sign up")
	}
	if n := jenkins.Get("numExecutors"); n.Text() != "0" {
		if count, err := strconv.Atoi(n.Text()); !n.Exists() || err == nil && count > 0 {
			f.Add(controllerBuild(), max(n.Line(), at), "the controller has executors (2 where none are stated)")
		}
	}
	f.strategy(strategy, at)
	if c := jenkins.Get("crumbIssuer"); c.Is("none") || jenkins.Key("crumbIssuer").Exists() && !c.IsMap() && !c.IsText() {
		f.Add(noCrumb(), jenkins.Key("crumbIssuer").Line(), "the crumb issuer is off")
	}
	if clouds := jenkins.Get("clouds"); !clouds.Exists() && len(jenkins.Get("nodes").Items()) == 0 {
		f.Add(anyAgent(), at, "there are no container agents (clouds) and no other agents")
	}
}

func (f *finder) strategy(s yamltree.Node, at int) {
	switch in := s.Get("loggedInUsersCanDoAnything"); {
	case !s.Exists(), s.Is("unsecured"), s.Key("unsecured").Exists():
		f.Add(openServer(), max(s.Line(), at), "whoever comes may do everything")
	case in.Get("allowAnonymousRead").True():
		f.Add(openServer(), in.Get("allowAnonymousRead").Line(), "who did not sign in may read")
	case in.Exists(), s.Is("loggedInUsersCanDoAnything"):
		f.Add(oneRole(), s.Line(), "whoever signed in may do everything")
	}
	for keys, n := range s.All() {
		anonymous := strings.Contains(strings.ToLower(n.Text()), ":anonymous") || strings.EqualFold(n.Text(), "anonymous") ||
			len(keys) > 0 && strings.EqualFold(keys[len(keys)-1], "anonymous")
		if anonymous {
			f.Add(openServer(), n.Line(), "anonymous has rights")
		}
	}
}

// cascCredentials looks at credentials: their values come from the environment or a secret store.
func (f *finder) cascCredentials(credentials yamltree.Node) {
	r := newShellRules()
	for keys, n := range credentials.All() {
		if len(keys) == 0 {
			continue
		}
		switch key := keys[len(keys)-1]; {
		case n.Is("GLOBAL") && key == "scope":
			f.Add(globalCredential(), n.Line(), "the credential is for every job")
		case n.IsText() && !strings.Contains(n.Text(), "${") && (r.secretName.MatchString(key) || key == "secretBytes" || key == "privateKey" || key == "passphrase") && len(n.Text()) >= 6 && key != "usernameSecret":
			f.Add(literal(), n.Line(), "the value of %s is written out", key)
		}
	}
}

func (f *finder) cascRest(doc yamltree.Node) {
	if url := doc.Get("unclassified", "location", "url"); strings.HasPrefix(url.Text(), "http://") && !strings.HasPrefix(url.Text(), "http://localhost") {
		f.Add(plainServer(), url.Line(), "the server's address is http")
	}
	if s := doc.Get("security", "globalJobDslSecurityConfiguration", "useScriptSecurity"); s.False() {
		f.Add(unsandboxed(), s.Line(), "job DSL scripts run without script security")
	}
	for _, library := range doc.Get("unclassified", "globalLibraries", "libraries").Items() {
		if v := library.Get("defaultVersion"); v.Is("main") || v.Is("master") || library.Get("allowVersionOverride").True() {
			f.Add(unpinned(), library.Line(), "the shared library follows a branch, or a job may choose its version")
		}
	}
}

// plugins looks at the plugin list of the official image: "id:version" a line.
func (f *finder) plugins(lines []string) {
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsAny(line, "=<> ") {
			continue // Python and others have files of this name too
		}
		if id, version, ok := strings.Cut(line, ":"); !ok || version == "" || strings.HasPrefix(version, "latest") || strings.HasPrefix(version, "experimental") {
			f.Add(unpinned(), i+1, "the plugin %s has no version", id)
		}
	}
}
