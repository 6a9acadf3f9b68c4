package source

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/securego/gosec/v2/analyzers"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/callgraph"
	"golang.org/x/tools/go/ssa"
)

// analyzersInOrder are gosec's analyzers in the order of their ids, behind one that gives a package's call graph an
// order. The graph is made by going through a map, and gosec follows what is tainted along it as far as a bound: without
// an order, what lies near the bound is found one time and not the next.
func analyzersInOrder() []map[string]analyzers.AnalyzerDefinition {
	all := analyzers.Generate(true).Analyzers
	list := []map[string]analyzers.AnalyzerDefinition{{"": {Create: func(string, string) *analysis.Analyzer { return orderer() }}}}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		list = append(list, map[string]analyzers.AnalyzerDefinition{id: all[id]})
	}
	return list
}

var errNoGraph = errors.New("gosec keeps its call graph elsewhere")

// orderer puts the callers of every function in order. Those that run after it share the graph.
func orderer() *analysis.Analyzer {
	return &analysis.Analyzer{Name: "order", Doc: "orders the call graph", Run: func(pass *analysis.Pass) (any, error) {
		graph := sharedGraph(pass)
		if graph == nil {
			return nil, errNoGraph
		}
		order(graph)
		return nil, nil
	}}
}

// sharedGraph is the graph of gosec's own type, which cannot be named outside of gosec; nil where there is none.
func sharedGraph(pass *analysis.Pass) *callgraph.Graph {
	result := reflect.ValueOf(pass.ResultOf[buildssa.Analyzer])
	if result.Kind() != reflect.Pointer || result.Elem().Kind() != reflect.Struct {
		return nil
	}
	shared := result.Elem().FieldByName("Shared")
	if !shared.IsValid() {
		return nil
	}
	method := shared.MethodByName("CallGraph")
	if !method.IsValid() {
		return nil
	}
	graph, _ := method.Call(nil)[0].Interface().(*callgraph.Graph)
	return graph
}

// order sorts the edges that lead to each function by where their callers stand. Edges of one caller are in the order of
// its instructions already.
func order(graph *callgraph.Graph) {
	var callers []*ssa.Function
	for f := range graph.Nodes {
		if f != nil && len(f.Blocks) > 0 {
			callers = append(callers, f)
		}
	}
	slices.SortFunc(callers, func(a, b *ssa.Function) int {
		return cmp.Or(cmp.Compare(a.Pos(), b.Pos()), cmp.Compare(a.String(), b.String()))
	})
	place := make(map[*ssa.Function]int, len(callers))
	for i, f := range callers {
		place[f] = i
	}
	for _, node := range graph.Nodes {
		if len(node.In) > 1 {
			slices.SortStableFunc(node.In, func(a, b *callgraph.Edge) int {
				return cmp.Compare(place[a.Caller.Func], place[b.Caller.Func])
			})
		}
	}
}
