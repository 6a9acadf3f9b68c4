package scim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// The length of a page (RFC 7644, 3.4.2.4).
const (
	defaultPage = 100
	longestPage = 500
)

// listBody is a page of resources (RFC 7644, 3.4.2).
type listBody struct {
	Schemas   []string `json:"schemas"`
	Total     int      `json:"totalResults"`
	Start     int      `json:"startIndex"`
	PerPage   int      `json:"itemsPerPage"`
	Resources []object `json:"Resources"`
}

// list answers the page that a request asks for, of those resources that answer its filter.
func (v *visit) list(r resource, all []object) (Answer, error) {
	query := v.r.URL.Query()
	if text := query.Get("filter"); text != "" {
		f, err := r.parseFilter(text)
		if err != nil {
			return Answer{}, err
		}
		all = slices.DeleteFunc(all, func(o object) bool { return !f.asks(o) })
	}
	start, err := number(query, "startIndex", 1)
	if err != nil {
		return Answer{}, err
	}
	count, err := number(query, "count", defaultPage)
	if err != nil {
		return Answer{}, err
	}
	start, count = max(start, 1), min(max(count, 0), longestPage)
	page := all[min(start-1, len(all)):]
	page = page[:min(count, len(page))]
	body := listBody{Schemas: []string{urnList}, Total: len(all), Start: start, PerPage: len(page), Resources: []object{}}
	for _, o := range page {
		body.Resources = append(body.Resources, r.shown(o, query))
	}
	return encoded(http.StatusOK, body)
}

func number(query url.Values, name string, otherwise int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, bad(invalidValue, "%s is a number", name)
	}
	return n, nil
}

// shown gives of a resource what the request wants to see (RFC 7644, 3.9). Schemas and id are always
// there.
func (r resource) shown(o object, query url.Values) object {
	if text := query.Get("attributes"); text != "" {
		return r.only(o, names(r, text))
	}
	for _, name := range names(r, query.Get("excludedAttributes")) {
		head, sub, dotted := strings.Cut(name, ".")
		switch {
		case head == "id" || head == "schemas":
		case dotted:
			for _, part := range parts(o, head) {
				delete(part, sub)
			}
		default:
			delete(o, head)
		}
	}
	return o
}

func (r resource) only(o object, wanted []string) object {
	out := object{"schemas": o["schemas"], "id": o["id"]}
	for _, name := range wanted {
		head, sub, dotted := strings.Cut(name, ".")
		switch value, there := o[head]; {
		case !there || out[head] != nil && !dotted:
		case !dotted:
			out[head] = value
		case out[head] == nil:
			out[head] = narrowed(value, sub)
		default: // another part of the same attribute: all of it
			out[head] = value
		}
	}
	return out
}

// narrowed gives one part of a complex value, or of each in a list.
func narrowed(value any, sub string) any {
	switch value := value.(type) {
	case object:
		return object{sub: value[sub]}
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = narrowed(item, sub)
		}
		return out
	}
	return value
}

// parts gives the object or objects that a name holds.
func parts(o object, name string) []object {
	if part, ok := o[name].(object); ok {
		return []object{part}
	}
	return listOf(o, name)
}

// names reads a list of attributes into their canonical names; those that are not kept fall away. A
// part of the extension is written as the extension.
func names(r resource, text string) []string {
	var out []string
	for name := range strings.SplitSeq(text, ",") {
		schema, rest := r.withoutURN(strings.TrimSpace(name))
		if schema != "" {
			out = append(out, schema)
			continue
		}
		head, sub, dotted := strings.Cut(rest, ".")
		a, known := find(r.attributes, head)
		if !known {
			continue
		}
		if part, ok := find(a.sub, sub); dotted && ok {
			out = append(out, a.name+"."+part.name)
		} else {
			out = append(out, a.name)
		}
	}
	return out
}

// answer gives one resource in the form that the request wants.
func (v *visit) answer(status int, r resource, o object) (Answer, error) {
	tag, location := textOf(partOf(o, "meta"), "version"), textOf(partOf(o, "meta"), "location")
	if v.r.Method == http.MethodGet && matches(v.r.Header, "If-None-Match", tag, false) {
		return Answer{Status: http.StatusNotModified, ETag: tag}, nil
	}
	a, err := encoded(status, r.shown(o, v.r.URL.Query()))
	a.ETag = tag
	if status == http.StatusCreated {
		a.Location = location
	}
	return a, err
}

func encoded(status int, v any) (Answer, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Answer{}, errs.Wrap(errs.Internal, err, "encode answer")
	}
	return Answer{Status: status, Body: append(b, '\n')}, nil
}
