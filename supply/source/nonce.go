package source

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"

	"github.com/securego/gosec/v2/issue"
	"golang.org/x/tools/go/packages"
)

// randomNonce reports whether gosec takes a nil nonce for a fixed one (G407) where the AEAD is one of
// cipher.NewGCMWithRandomNonce: it draws its nonces itself, and takes no other than nil.
func randomNonce(p *packages.Package, i *issue.Issue) bool {
	if i.RuleID != "G407" {
		return false
	}
	call := callAt(p, i)
	if call == nil || len(call.Args) != 4 {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !p.TypesInfo.Types[call.Args[1]].IsNil() {
		return false
	}
	return (&origins{p: p, left: 50}).random(method.X)
}

// callAt finds the call of Seal that an issue means. gosec names a line and at most a column.
func callAt(p *packages.Package, i *issue.Issue) (found *ast.CallExpr) {
	begin, _, _ := strings.Cut(i.Line, "-")
	line, err := strconv.Atoi(begin)
	if err != nil {
		return nil
	}
	count := 0
	for _, file := range p.Syntax {
		if p.Fset.Position(file.Pos()).Filename != i.File {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if ok && method.Sel.Name == "Seal" && p.Fset.Position(method.Sel.Pos()).Line == line {
				found = call
				count++
			}
			return true
		})
	}
	if count != 1 { // it cannot be told which of them is meant
		return nil
	}
	return found
}

// origins follows values back to the calls that they come from, within a package.
type origins struct {
	p    *packages.Package
	left int // steps
}

// random reports whether a value comes from cipher.NewGCMWithRandomNonce wherever it is set, and is set somewhere.
func (o *origins) random(e ast.Expr) bool {
	if o.left--; o.left < 0 {
		return false
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		return o.made(e)
	case *ast.Ident:
		return o.held(o.p.TypesInfo.ObjectOf(e))
	case *ast.SelectorExpr:
		return o.held(o.p.TypesInfo.ObjectOf(e.Sel))
	}
	return false
}

// made reports whether a call gives one: it is the function itself, or one of the package that returns nothing else.
func (o *origins) made(call *ast.CallExpr) bool {
	var name *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = f
	case *ast.SelectorExpr:
		name = f.Sel
	default:
		return false
	}
	f, ok := o.p.TypesInfo.Uses[name].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	if f.Pkg().Path() == "crypto/cipher" {
		return f.Name() == "NewGCMWithRandomNonce"
	}
	for _, file := range o.p.Syntax {
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && o.p.TypesInfo.Defs[d.Name] == f && d.Body != nil {
				return o.returns(d.Body)
			}
		}
	}
	return false
}

// returns reports whether the first result is one at every return that gives something.
func (o *origins) returns(body *ast.BlockStmt) bool {
	some, all := false, true
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) == 0 {
				all = false
			} else if !o.p.TypesInfo.Types[n.Results[0]].IsNil() {
				some, all = true, all && o.random(n.Results[0])
			}
		}
		return all
	})
	return some && all
}

// held reports whether all that a variable or field of the package is set to is one. What others may set,
// such as an exported field or a parameter, is not known.
func (o *origins) held(v types.Object) bool {
	variable, ok := v.(*types.Var)
	if !ok || variable.Pkg() != o.p.Types || variable.Exported() {
		return false
	}
	some, all := false, true
	set := func(e ast.Expr) {
		if !o.p.TypesInfo.Types[e].IsNil() {
			some, all = true, all && o.random(e)
		}
	}
	for _, file := range o.p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				o.assigned(variable, n.Lhs, n.Rhs, set)
			case *ast.ValueSpec:
				names := make([]ast.Expr, len(n.Names))
				for i, name := range n.Names {
					names[i] = name
				}
				o.assigned(variable, names, n.Values, set)
			case *ast.CompositeLit:
				o.literal(variable, n, set)
			case *ast.FuncType:
				all = all && !o.parameter(variable, n)
			case *ast.UnaryExpr:
				all = all && !(n.Op.String() == "&" && o.is(variable, n.X)) // somebody else may set it
			case *ast.RangeStmt:
				all = all && !o.is(variable, n.Key) && !o.is(variable, n.Value)
			}
			return all
		})
	}
	return some && all
}

// parameter reports whether a variable is what callers hand a function.
func (o *origins) parameter(v *types.Var, f *ast.FuncType) bool {
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			if o.is(v, name) {
				return true
			}
		}
	}
	return false
}

// is reports whether an expression names a variable.
func (o *origins) is(v *types.Var, e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return o.p.TypesInfo.ObjectOf(e) == v
	case *ast.SelectorExpr:
		return o.p.TypesInfo.ObjectOf(e.Sel) == v
	}
	return false
}

// assigned tells set what a variable is set to; of a call with several results, the first is followed.
func (o *origins) assigned(v *types.Var, to, from []ast.Expr, set func(ast.Expr)) {
	for i, e := range to {
		switch {
		case !o.is(v, e):
		case len(from) == len(to):
			set(from[i])
		case len(from) == 1 && i == 0:
			set(from[0])
		}
	}
}

// literal tells set what a field is set to where its struct is written out.
func (o *origins) literal(v *types.Var, lit *ast.CompositeLit, set func(ast.Expr)) {
	for i, e := range lit.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok && o.p.TypesInfo.ObjectOf(key) == v {
				set(pair.Value)
			}
			continue
		}
		t := o.p.TypesInfo.TypeOf(lit)
		if t == nil {
			continue
		}
		if s, ok := t.Underlying().(*types.Struct); ok && i < s.NumFields() && s.Field(i) == v {
			set(e)
		}
	}
}
