package source

import (
	"cmp"
	"fmt"
	"io"
	"log" //nolint:depguard // gosec takes no other kind
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/callgraph"
	"golang.org/x/tools/go/packages"
)

// gosec's own analyzers follow the calls of a package in one order, however often it is asked: those who look after the
// first find each function's callers as they stand in the source.
func TestGosecFollowsCallsInOneOrder(t *testing.T) {
	const callers = 40
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("package p\n\nfunc called(string) {}\n")
	for i := range callers {
		fmt.Fprintf(&b, "\nfunc f%d(s string) { called(s); called(s) }\n", i)
	}
	for name, text := range map[string]string{"go.mod": "module p.example\n\ngo 1.26\n", "p.go": b.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := packages.Load(&packages.Config{Dir: dir, Mode: packages.LoadSyntax}, ".")
	if err != nil || len(loaded) != 1 {
		t.Fatal(loaded, err)
	}
	for range 5 {
		var in []*callgraph.Edge
		a := gosec.NewAnalyzer(gosec.NewConfig(), false, true, true, 1, log.New(io.Discard, "", 0))
		for _, one := range analyzersInOrder() {
			a.LoadAnalyzers(one, nil)
		}
		a.LoadAnalyzers(map[string]analyzers.AnalyzerDefinition{"": {Create: func(string, string) *analysis.Analyzer {
			return &analysis.Analyzer{Name: "last", Doc: "looks", Run: func(pass *analysis.Pass) (any, error) {
				if graph := sharedGraph(pass); graph != nil {
					in = called(graph)
				}
				return nil, nil
			}}
		}}}, nil)
		a.CheckAnalyzers(loaded[0])
		sorted := slices.IsSortedFunc(in, func(a, b *callgraph.Edge) int { return cmp.Compare(a.Site.Pos(), b.Site.Pos()) })
		if len(in) != 2*callers || !sorted {
			t.Fatalf("%d calls, in order: %v", len(in), sorted)
		}
	}
}

// called are the calls of the function of that name.
func called(graph *callgraph.Graph) []*callgraph.Edge {
	for f, node := range graph.Nodes {
		if f != nil && f.Name() == "called" {
			return node.In
		}
	}
	return nil
}
