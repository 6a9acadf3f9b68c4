package yamltree_test

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela/supply/yamltree"
)

func one(t *testing.T, text string) yamltree.Node {
	t.Helper()
	list, err := yamltree.Parse([]byte(text))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d documents, %v", len(list), err)
	}
	return list[0]
}

func TestReads(t *testing.T) {
	n := one(t, "base: &b {image: old, user: root}\njob:\n  <<: *b\n  image: new\n  list: [a, b]\n  on: true\n  off: null\n")
	job := n.Get("job")
	for _, tc := range []struct {
		name string
		ok   bool
	}{
		{"own member before the merged one", job.Get("image").Is("NEW")}, {"merged member", job.Get("user").Text() == "root"},
		{"list", len(job.Get("list").Items()) == 2 && job.Get("list").IsList()}, {"scalar as list", len(job.Get("image").Items()) == 1},
		{"line", job.Get("image").Line() == 4}, {"key", job.Key("list").Line() == 5}, {"truth", job.Get("on").True() && !job.Get("on").False()},
		{"null is there and says nothing", job.Get("off").Exists() && !job.Get("off").IsText()}, {"nothing", !n.Get("job", "image", "deeper", "x").Exists()},
		{"nothing of nothing", len(yamltree.Node{}.Items()) == 0 && !yamltree.Node{}.True()},
	} {
		if !tc.ok {
			t.Error(tc.name)
		}
	}
	if _, err := yamltree.Parse([]byte("a: [")); err == nil {
		t.Error("broken YAML is taken")
	}
}

// Anchors that multiply, deep nesting and maps that merge themselves end all the same.
func TestHostileDocumentsEnd(t *testing.T) {
	bomb := "a00: &a00 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 30; i++ {
		bomb += "a" + itoa(i) + ": &a" + itoa(i) + " [" + strings.TrimSuffix(strings.Repeat("*a"+itoa(i-1)+",", 10), ",") + "]\n"
	}
	merges := "m00: &m00 {k: v}\n"
	for i := 1; i < 40; i++ {
		merges += "m" + itoa(i) + ": &m" + itoa(i) + " {<<: [*m" + itoa(i-1) + ", *m" + itoa(i-1) + "]}\n"
	}
	for name, text := range map[string]string{
		"bomb": bomb, "deep": strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "merges": merges,
		"self": "a: &a\n  <<: *a\n  b: c\n", "documents": strings.Repeat("---\na: b\n", 3000),
	} {
		t.Run(name, func(*testing.T) {
			list, _ := yamltree.Parse([]byte(text)) // refused or walked: it ends
			for _, n := range list {
				for range n.All() { //nolint:revive // the walk is what is tried
				}
			}
		})
	}
}

func itoa(i int) string { return string(rune('0'+i/10)) + string(rune('0'+i%10)) }

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &x {b: *x}\n"))
	f.Add([]byte("- [1, {a: b}]\n---\nx\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		list, _ := yamltree.Parse(text)
		for _, n := range list {
			for _, m := range n.All() {
				_, _ = m.Text(), m.Get("a").Line()
			}
		}
	})
}
