package deps_test

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/tutela-health/tutela/supply"
)

// zipOf makes a zip, and so a jar.
func zipOf(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pom(group, artifact, version string) entry {
	return entry{name: "META-INF/maven/" + group + "/" + artifact + "/pom.properties", text: "#x\ngroupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n"}
}

// installation is what the tools of six languages leave in a root file system, and beside it what only looks like it.
func installation(t *testing.T) []entry {
	library := zipOf(t, pom("org.apache.logging.log4j", "log4j-core", "2.14.1"))
	app := zipOf(t, pom("org.example", "app", "1.0"), entry{name: "BOOT-INF/lib/log4j-core-2.14.1.jar", text: library},
		entry{name: "BOOT-INF/lib/old-1.2.jar", text: zipOf(t, entry{name: "META-INF/MANIFEST.MF", text: "Manifest-Version: 1.0\r\nImplementation-Vendor-Id: org.old\r\nImplementation-Version: 1.2\r\n\r\n"})})
	return []entry{
		{name: "app/node_modules/minimist/package.json", text: `{"name":"minimist","version":"1.2.0","license":"MIT"}`},
		{name: "app/node_modules/@scope/thing/package.json", text: `{"name":"@scope/thing","version":"2.0.0"}`},
		{name: "app/node_modules/minimist/esm/package.json", text: `{"type":"module"}`},
		{name: "app/package.json", text: `{"name":"app","version":"0.0.1"}`},
		{name: "usr/local/lib/python3.12/site-packages/Py_YAML-5.3.dist-info/METADATA", text: "Metadata-Version: 2.1\nName: Py_YAML\nVersion: 5.3\n\nName: not.this\n"},
		{name: "usr/lib/python3/dist-packages/yaml-6.egg-info/PKG-INFO", text: "Metadata-Version: 2.1\nName: yaml\nVersion: 6\n"},
		{name: "usr/local/bundle/specifications/rack-2.0.1.gemspec", text: "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.0.1\"\n"},
		{name: "srv/vendor/composer/installed.json", text: `{"packages":[{"name":"symfony/http-kernel","version":"v4.4.0"}]}`},
		{name: "srv/app.deps.json", text: `{"libraries":{"Newtonsoft.Json/12.0.1":{"type":"package"},"App/1.0.0":{"type":"project"}}}`},
		{name: "opt/app.jar", text: app},
	}
}

func names(components []supply.Component) []string {
	list := []string{}
	for _, c := range components {
		list = append(list, c.PURL)
	}
	slices.Sort(list)
	return list
}

// What languages' tools installed is found with and without a distribution below it, matched, and gone where a
// layer above took it away.
func TestImagesHoldPackagesOfLanguages(t *testing.T) {
	want := []string{
		"pkg:composer/symfony/http-kernel@4.4.0", "pkg:gem/rack@2.0.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "pkg:maven/org.example/app@1.0",
		"pkg:maven/org.old/old@1.2", "pkg:npm/%40scope/thing@2.0.0", "pkg:npm/minimist@1.2.0", "pkg:nuget/Newtonsoft.Json@12.0.1", "pkg:pypi/py-yaml@5.3",
	}
	db := ecosystems(t, map[string][]string{
		"Maven": {advisory("GHSA-log4", "Maven", "org.apache.logging.log4j:log4j-core", "2.15.0", "")},
		"npm":   {advisory("GHSA-mini", "npm", "minimist", "1.2.3", "")},
	})
	layer := tarOf(t, installation(t)...)
	r := scan(t, tree(t, map[string]string{"image.tar": tarOf(t, layout(gzipped(t, layer))...)}), db)
	if d := cmp.Diff(want, names(r.Components)); d != "" || len(r.Checked[0].Failed) > 0 {
		t.Errorf("failed %q\n%s", r.Checked[0].Failed, d)
	}
	if d := cmp.Diff([]string{"high GHSA-log4 image.tar:0 org.apache.logging.log4j:log4j-core@2.14.1 upgrade to 2.15.0", "high GHSA-mini image.tar:0 minimist@1.2.0 upgrade to 1.2.3"}, brief(r.Findings)); d != "" {
		t.Error(d)
	}
	removed := tarOf(t, entry{name: "app/.wh.node_modules"}, entry{name: "opt/app.jar", link: "/elsewhere"}, entry{name: "srv/.wh..wh..opq"})
	r = scan(t, tree(t, map[string]string{"image.tar": tarOf(t, layout(layer, removed)...)}), db)
	if d := cmp.Diff([]string{"pkg:gem/rack@2.0.1", "pkg:pypi/py-yaml@5.3"}, names(r.Components)); d != "" {
		t.Errorf("after a layer that removes the rest:\n%s", d)
	}
}

// A Go program says what it is built of; here it is this test. What replaced it in a layer above hides it.
func TestImagesHoldGoPrograms(t *testing.T) {
	file := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../../records/pack/train")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	required := versions(t)
	db := ecosystems(t, nil)
	layer := gzipped(t, tarOf(t, entry{name: "usr/bin/serve", text: string(text), program: true}, entry{name: "usr/bin/sh", text: "\x7fELF nothing", program: true}))
	r := scan(t, tree(t, map[string]string{"image.tar": tarOf(t, layout(layer)...)}), db)
	found := map[string]string{}
	for _, c := range r.Components {
		if found[c.Name] = c.Version; c.Name != "stdlib" && c.Version != required[c.Name] {
			t.Errorf("%s is found at %s, and was built at %s", c.Name, c.Version, required[c.Name])
		}
	}
	if found["github.com/go-json-experiment/json"] == "" || !strings.HasPrefix(runtime.Version(), "go"+found["stdlib"]) || found["stdlib"] == "" || len(r.Checked[0].Failed) > 0 {
		t.Errorf("failed %q, found %v", r.Checked[0].Failed, found)
	}
	for name, above := range map[string]entry{"a script": {name: "usr/bin/serve", text: "#!/bin/sh\n", program: true}, "a link": {name: "usr/bin/serve", link: "sh"}, "nothing": {name: "usr/bin/.wh.serve"}} {
		r := scan(t, tree(t, map[string]string{"image.tar": tarOf(t, layout(layer, tarOf(t, above))...)}), db)
		if len(r.Components) > 0 || len(r.Checked[0].Failed) == 0 {
			t.Errorf("%s in its place: %d components, failed %q", name, len(r.Components), r.Checked[0].Failed)
		}
	}
}

// versions are what this module requires.
func versions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, r := range f.Require {
		m[r.Mod.Path] = r.Mod.Version
	}
	return m
}

// ecosystems are databases that know nothing of what an installation holds but what is added.
func ecosystems(t *testing.T, more map[string][]string) string {
	db := map[string][]string{}
	for _, e := range []string{"Go", "Maven", "npm", "PyPI", "RubyGems", "Packagist", "NuGet"} {
		db[e] = append(more[e], advisory("OTHER-"+e, e, "other:other", "1.0.0", ""))
	}
	return known(t, db, "")
}

// Files made to break their readers, to fill memory or to look like nothing: each is said to be unchecked.
func TestHostileInstallations(t *testing.T) {
	db := ecosystems(t, nil)
	bomb := zipOf(t, entry{name: "a.jar", text: strings.Repeat("\x00", 2<<20)})
	nested := zipOf(t, pom("g", "a", "1"))
	for range 6 {
		nested = zipOf(t, entry{name: "lib/in.jar", text: nested})
	}
	for name, e := range map[string]entry{
		"jar of zeros":       {name: "opt/a.jar", text: bomb},
		"jars without end":   {name: "opt/a.jar", text: nested},
		"no jar":             {name: "opt/a.jar", text: "PK\x03\x04"},
		"huge pom":           {name: "opt/a.jar", text: zipOf(t, entry{name: "META-INF/maven/g/a/pom.properties", text: strings.Repeat("x", 1<<20)})},
		"npm no JSON":        {name: "app/node_modules/x/package.json", text: `{"name":`},
		"python no metadata": {name: "site-packages/x.dist-info/METADATA", text: "\xff\xfe"},
		"gem of another":     {name: "gems/specifications/rack-1.gemspec", text: "s.name = \"other\"\ns.version = \"1\"\n"},
		"composer no JSON":   {name: "vendor/composer/installed.json", text: "<?php"},
		"deps no JSON":       {name: "app.deps.json", text: "["},
		"program of nothing": {name: "bin/x", text: "\x7fELF\x02\x01\x01" + strings.Repeat("\xff", 4096), program: true},
	} {
		r := scan(t, tree(t, map[string]string{"image.tar": tarOf(t, layout(tarOf(t, e))...)}), db)
		if len(r.Checked[0].Failed) == 0 || len(r.Components) > 0 {
			t.Errorf("%s: failed %q, %d components", name, r.Checked[0].Failed, len(r.Components))
		}
	}
}
