package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Description is GitHub's own description of its API.
type Description struct{ root map[string]any }

var described = sync.OnceValue(func() func(testing.TB) *Description { //nolint:gochecknoglobals // 13 MB, read once
	var once sync.Once
	d := &Description{}
	return func(t testing.TB) *Description {
		once.Do(func() {
			if err := json.Unmarshal(GitHubAPI(t), &d.root); err != nil {
				t.Fatal(err)
			}
		})
		return d
	}
})

// DescribedGitHub reads GitHub's description of its API, once.
func DescribedGitHub(t testing.TB) *Description {
	t.Helper()
	return described()(t)
}

// at follows keys into the description, and references on the way.
func (d *Description) at(v any, keys ...string) any {
	for {
		m, _ := v.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			v = d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			continue
		}
		if len(keys) == 0 {
			return v
		}
		v, keys = m[keys[0]], keys[1:]
	}
}

// Answer is the official example of what a request for a path gives (method as get, status as 200), and the schema
// that it keeps.
func (d *Description) Answer(t testing.TB, method, path, status string) (example, schema any) {
	t.Helper()
	content := d.at(d.root, "paths", path, method, "responses", status, "content", "application/json")
	examples, _ := d.at(content, "examples").(map[string]any)
	if len(examples) == 0 {
		t.Fatalf("%s has no example", path)
	}
	first := slices.Sorted(maps.Keys(examples))[0]
	return d.at(examples[first], "value"), d.at(content, "schema")
}

// Asks gives the schema of a request's body.
func (d *Description) Asks(method, path string) any {
	return d.at(d.root, "paths", path, method, "requestBody", "content", "application/json", "schema")
}

// Takes reports what is wrong with the query of a request for a path; empty when GitHub documents all of it.
func (d *Description) Takes(path string, r *http.Request) string {
	known := map[string]bool{}
	list, _ := d.at(d.root, "paths", path, strings.ToLower(r.Method), "parameters").([]any)
	for _, p := range list {
		name, _ := d.at(p, "name").(string)
		known[name] = true
		if values, _ := d.at(p, "schema", "enum").([]any); values != nil && r.URL.Query().Has(name) && !slices.Contains(values, any(r.URL.Query().Get(name))) {
			return fmt.Sprintf("%s takes no %s=%s", path, name, r.URL.Query().Get(name))
		}
	}
	for name := range r.URL.Query() {
		if !known[name] {
			return fmt.Sprintf("%s takes no %s", path, name)
		}
	}
	return ""
}

// Undocumented names a key or value that a schema does not allow; empty when it allows all. What a schema
// requires and is not there is not looked for, nor what stands in the official example: the examples leave
// much out, and have some things that their schemas do not.
func (d *Description) Undocumented(schema, value, example any) string {
	s, _ := d.at(schema).(map[string]any)
	if value == nil || len(s) == 0 || reflect.DeepEqual(value, example) {
		return ""
	}
	for _, join := range []string{"oneOf", "anyOf"} {
		if choices, ok := s[join].([]any); ok {
			why := ""
			for _, c := range choices {
				if why = d.Undocumented(c, value, nil); why == "" {
					return ""
				}
			}
			return why
		}
	}
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if why := d.Undocumented(s["items"], item, first(example)); why != "" {
				return why
			}
		}
	case map[string]any:
		properties := map[string]any{}
		for _, part := range append(parts(s["allOf"]), s) {
			p, _ := d.at(part, "properties").(map[string]any)
			maps.Copy(properties, p)
		}
		for key, item := range v {
			if _, ok := properties[key]; !ok && len(properties) > 0 {
				return "there is no " + key
			}
			if why := d.Undocumented(properties[key], item, under(example, key)); why != "" {
				return key + ": " + why
			}
		}
	default:
		if values, ok := s["enum"].([]any); ok && !slices.Contains(values, value) {
			return fmt.Sprintf("%v is none of %v", value, values)
		}
	}
	return ""
}

func parts(v any) []any { list, _ := v.([]any); return list }

func first(v any) any {
	if list := parts(v); len(list) > 0 {
		return list[0]
	}
	return nil
}

func under(v any, key string) any { m, _ := v.(map[string]any); return m[key] }
