package scim

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// maxOperations bounds a PATCH.
const maxOperations = 1000

// operation is one step of a PATCH (RFC 7644, 3.5.2).
type operation struct {
	op    string // add, replace or remove
	path  string
	value any
}

// parsePatch reads a PATCH. Names and verbs may come in any case: Entra ID writes "Add".
func parsePatch(body object) ([]operation, error) {
	top, err := folded(body)
	if err != nil {
		return nil, err
	}
	list, ok := top["operations"].([]any)
	if !ok || len(list) == 0 || len(list) > maxOperations {
		return nil, bad(invalidSyntax, "a PATCH has 1 to %d Operations", maxOperations)
	}
	schemas, _ := top["schemas"].([]any)
	if !slices.Contains(schemas, any(urnPatch)) {
		return nil, bad(invalidSyntax, "a PATCH has the schema %s", urnPatch)
	}
	out := make([]operation, len(list))
	for i, item := range list {
		if out[i], err = parseOperation(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseOperation(item any) (operation, error) {
	o, ok := item.(object)
	if !ok {
		return operation{}, bad(invalidSyntax, "an operation is an object")
	}
	o, err := folded(o)
	if err != nil {
		return operation{}, err
	}
	op := operation{op: strings.ToLower(textOf(o, "op")), value: o["value"]}
	switch path := o["path"].(type) {
	case nil:
	case string:
		op.path = path
	default:
		return op, bad(invalidPath, "a path is a string")
	}
	if op.op != "add" && op.op != "replace" && op.op != "remove" {
		return op, bad(invalidSyntax, "an operation adds, replaces or removes")
	}
	return op, nil
}

// folded gives an object under names in lower case, each once.
func folded(in object) (object, error) {
	out := object{}
	for name, value := range in {
		name = strings.ToLower(name)
		if _, twice := out[name]; twice {
			return nil, bad(invalidSyntax, "%s is there twice", name)
		}
		out[name] = value
	}
	return out, nil
}

// patched gives an object after operations, all of them or none. The object itself stays as it is.
func (r resource) patched(o object, ops []operation) (object, error) {
	out := cloned(o)
	for _, op := range ops {
		if err := r.apply(out, op); err != nil {
			return nil, err
		}
	}
	return out, r.unchanged(o, out)
}

// unchanged holds that what nobody may change did not change (RFC 7644, 3.5.2: "mutability").
func (r resource) unchanged(before, after object) error {
	for _, a := range r.attributes {
		if (a.change == readOnly || a.change == immutable) && !reflect.DeepEqual(before[a.name], after[a.name]) {
			return bad(mutability, "%s cannot be changed", a.name)
		}
	}
	return nil
}

// apply carries out one operation on the object.
func (r resource) apply(o object, op operation) error {
	if op.path != "" {
		return r.applyAt(o, op)
	}
	values, ok := op.value.(object)
	if op.op == "remove" || !ok {
		return bad(noTarget, "an operation without a path adds or replaces the attributes of an object")
	}
	// Each name may be a path itself, as Entra ID writes them. Their order is that of the names, so
	// that one body always means one thing.
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := r.applyAt(o, operation{op.op, name, values[name]}); err != nil {
			return err
		}
	}
	return nil
}

func (r resource) applyAt(o object, op operation) error {
	t, err := r.target(op.path)
	if err != nil || t.ignored {
		return err
	}
	if t.schema != "" {
		part := partOf(o, t.schema)
		o[t.schema] = part
		o = part
	}
	if op.value == nil && op.op != "remove" {
		op.op = "remove" // null is no value (RFC 7643, 2.5)
	}
	switch {
	case t.filter != nil:
		return t.onElements(o, op)
	case t.sub.name != "" && t.attribute.multi:
		return t.onEvery(o, op)
	case t.sub.name != "":
		part := partOf(o, t.attribute.name)
		o[t.attribute.name] = part
		return set(part, t.sub, op)
	default:
		return set(o, t.attribute, op)
	}
}

// set carries out an operation on an attribute of an object.
func set(o object, a attribute, op operation) error {
	if op.op == "remove" && (op.value == nil || !a.multi) {
		delete(o, a.name)
		return nil
	}
	v, err := a.value(op.value)
	if err != nil {
		return err
	}
	list, _ := o[a.name].([]any)
	switch {
	case op.op == "remove": // of a list the values that are given, which Entra ID puts beside the path
		o[a.name] = without(list, v)
	case a.multi && op.op == "add":
		o[a.name] = slices.Concat(without(list, v), asList(v))
	case a.kind == complexed && !a.multi: // what is not given stays (RFC 7644, 3.5.2.3)
		part := partOf(o, a.name)
		o[a.name] = part
		maps.Copy(part, asObject(v))
	default:
		o[a.name] = v
	}
	return nil
}

// without gives a list without those of the same value as one of others.
func without(list []any, others any) []any {
	out := make([]any, 0, len(list))
	drop := map[any]bool{}
	for _, item := range asList(others) {
		drop[keyOf(item)] = true
	}
	for _, item := range list {
		if !drop[keyOf(item)] {
			out = append(out, item)
		}
	}
	return out
}

// keyOf is what tells values of a list apart: their value.
func keyOf(v any) any {
	if part, ok := v.(object); ok {
		return part["value"]
	}
	return v
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return nil
}

func asObject(v any) object {
	o, _ := v.(object)
	return o
}

// cloned copies a JSON value as deep as it goes.
func cloned[T any](v T) T {
	switch v := any(v).(type) {
	case object:
		out := make(object, len(v))
		for name, item := range v {
			out[name] = cloned(item)
		}
		return any(out).(T)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = cloned(item)
		}
		return any(out).(T)
	}
	return v
}
