package attest

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a program says that it was built of becomes package URLs, with the sums of go.sum.
func TestAProgramsModulesAreItsMaterials(t *testing.T) {
	d := definition{External: map[string]any{}}
	d.goProgram("server", &debug.BuildInfo{
		GoVersion: "go1.26.8 X:none", Path: "example.com/cmd/server", Settings: []debug.BuildSetting{{Key: "-trimpath", Value: "true"}, {Key: "vcs.revision", Value: "abc"}},
		Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.0.0", Sum: "h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48="},
			{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v2.0.0"}},
			{Path: "example.com/c", Version: "v1.0.0", Replace: &debug.Module{Path: "../c"}},
		},
	})
	want := []Resource{
		{Name: "go", URI: "pkg:generic/go@1.26.8"},
		{URI: "pkg:golang/example.com/a@v1.0.0", Digest: map[string]string{"dirHash": "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"}},
		{URI: "pkg:golang/example.com/fork@v2.0.0"},
		{Name: "../c"},
	}
	if diff := cmp.Diff(want, d.Resolved); diff != "" {
		t.Error(diff)
	}
	program := map[string]any{"package": "example.com/cmd/server", "settings": map[string]any{"-trimpath": "true"}}
	if diff := cmp.Diff(map[string]any{"programs": map[string]any{"server": program}}, d.External); diff != "" {
		t.Error(diff)
	}
}

func TestOriginsAreWrittenWithoutLogins(t *testing.T) {
	for address, want := range map[string]string{
		"git@git.example:clinic/portal.git":  "git+ssh://git.example/clinic/portal.git",
		"https://ann:pw@git.example/p?x=1#f": "git+https://git.example/p",
		"ssh://git@git.example:22/p":         "git+ssh://git.example:22/p",
		"/srv/git/p":                         "",
		"../p":                               "",
		"file:///srv/p":                      "",
		"ext::sh -c touch% x":                "",
		"javascript:alert(1)":                "",
		"https://git.example/p\x1b[2J":       "",
		"git.example:p":                      "git+ssh://git.example/p",
	} {
		if got := plainOrigin(address); got != want {
			t.Errorf("%q is written %q, want %q", address, got, want)
		}
	}
}
